"""Multi-step programs: what is done to a target, one after the other.

They assert nothing; rules judge what came of them. A program is a pure function of the setting and of the answers it
is sent, so it can be replayed and made smaller. It stops quietly where what it needs is refused.
"""
