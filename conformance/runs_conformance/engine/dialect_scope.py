"""The requirements that do not apply to the servers of a dialect family."""

from __future__ import annotations

from runs_conformance.contract.dialect import DialectFamily

_BETA_HEADER = ("auth.beta_header_is_required", "auth.first_beta_is_over", "auth.missing_beta_header_is_invalid_beta")
_AUTH_SCHEME = ("auth.a_key_counts_as_a_bearer_token_only",)
_ERROR_MEMBERS = {
    "type": ("error.error.type.required", "error.error.type.type", "errors.type_is_invalid_request_error"),
    "param": ("error.error.param.required", "error.error.param.type", "refusals.param_names_the_place"),
    "code": ("refusals.code_names_the_kind",),
}
_ANY_ERROR_MEMBER = ("errors.missing_values_are_null", "errors.type_param_and_code_are_present")


def outside_family(family: DialectFamily) -> dict[str, str]:
    """The ids that do not apply to this family, each with the reason; not those that servers may satisfy anyway."""
    servers = f"servers of the {family.name} dialects"
    reasons: dict[str, str] = {}
    if not family.uses_beta_header:
        reasons |= dict.fromkeys(_BETA_HEADER, f"{servers} do not use the header OpenAI-Beta")
    if not family.checks_auth_scheme:
        reasons |= dict.fromkeys(_AUTH_SCHEME, f"{servers} take the key in another header than Authorization")
    for member, ids in _ERROR_MEMBERS.items():
        if member not in family.error_members:
            reasons |= dict.fromkeys(ids, f"errors of {servers} need no {member}")
    if not family.error_members:
        reasons |= dict.fromkeys(_ANY_ERROR_MEMBER, f"errors of {servers} need no member beside message")
    return reasons
