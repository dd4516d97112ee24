"use strict";
(() => {
  const form = document.querySelector(".filter");
  const verdicts = [...document.querySelectorAll(".verdict")];
  const parts = [...document.querySelectorAll(".part")];
  const count = document.querySelector("[data-count]");
  const nothing = document.querySelector(".nothing");
  const notice = document.querySelector(".notice");
  const total = count.textContent;
  const searchTexts = new Map();

  const textOf = (verdict) => {
    if (!searchTexts.has(verdict)) {
      const head = verdict.querySelector("summary") || verdict;
      const message = verdict.querySelector(".message");
      searchTexts.set(verdict, (head.textContent + " " + (message ? message.textContent : "")).toLowerCase());
    }
    return searchTexts.get(verdict);
  };

  const matches = (verdict, filters, terms) =>
    ["level", "outcome", "capability"].every((name) => !filters[name] || verdict.dataset[name] === filters[name]) &&
    (!filters.operation || verdict.dataset.operation.split(" ").includes(filters.operation)) &&
    terms.every((term) => textOf(verdict).includes(term));

  // On a phone the example would hide the other causes.
  if (matchMedia("(max-width: 40rem)").matches)
    for (const verdict of document.querySelectorAll(".verdict[open]")) verdict.open = false;

  const initiallyOpen = new Set(document.querySelectorAll(".group[open]"));

  let wasActive = false;

  const countOf = (group, noun, active) => {
    const all = group.querySelectorAll(".verdict").length;
    const shown = group.querySelectorAll(".verdict:not([hidden])").length;
    return phrase(shown, all, noun, active);
  };

  const phrase = (shown, all, noun, active) => {
    const text = all.toLocaleString("en") + (noun ? " " + noun + (all === 1 ? "" : "s") : "");
    return active ? shown.toLocaleString("en") + " of " + text : text;
  };

  const readUrl = () => {
    for (const [name, value] of new URLSearchParams(location.search))
      if (form.elements[name]) form.elements[name].value = value;
  };

  const writeUrl = (filters) => {
    const chosen = Object.entries(filters).filter(([, value]) => value);
    const query = chosen.length ? "?" + new URLSearchParams(chosen) : "";
    if (query === location.search) return;
    try {
      history.replaceState(null, "", location.pathname + query + location.hash);
    } catch {
      // Pages without an origin of their own keep their address.
    }
  };

  const filter = () => {
    const filters = Object.fromEntries(new FormData(form));
    const terms = filters.text.toLowerCase().split(/\s+/).filter(Boolean);
    const active = Object.values(filters).some(Boolean);
    let shown = 0;
    for (const verdict of verdicts) {
      verdict.hidden = !matches(verdict, filters, terms);
      shown += verdict.hidden ? 0 : 1;
    }
    for (const part of parts) {
      let any = false;
      for (const group of part.querySelectorAll(".group")) {
        group.hidden = !group.querySelector(".verdict:not([hidden])");
        any = any || !group.hidden;
        if (group.tagName === "DETAILS" && active) group.open = !group.hidden;
        if (group.tagName === "DETAILS" && !active && wasActive) group.open = initiallyOpen.has(group);
        const label = group.querySelector("[data-group-count]");
        if (label) label.textContent = countOf(group, label.dataset.noun, active);
      }
      part.hidden = !any;
    }
    for (const label of document.querySelectorAll("[data-count-of]")) {
      const each = [...label.closest("section").querySelectorAll(label.dataset.countOf)];
      label.textContent = phrase(each.filter((one) => !one.hidden).length, each.length, label.dataset.noun, active);
    }
    for (const button of document.querySelectorAll("[data-filter]"))
      button.setAttribute("aria-pressed", String(button.dataset.filter === filters.capability));
    wasActive = active;
    writeUrl(filters);
    count.textContent = active ? shown + " of " + total : total;
    nothing.hidden = shown > 0;
  };

  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 80); });
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.elements.text.focus();
    }
  });

  const notify = (text) => {
    notice.textContent = text;
    setTimeout(() => { if (notice.textContent === text) notice.textContent = ""; }, 2500);
  };

  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };

  const copy = async (button) => {
    const text = button.parentElement.querySelector("code").textContent;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      done = copyBySelection(text);
      button.focus();
    }
    notify(done ? "Copied" : "Copying failed: select the text and copy it by hand");
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && "copy" in button.dataset) copy(button);
    if (button && "filter" in button.dataset) {
      const chosen = form.elements.capability;
      chosen.value = chosen.value === button.dataset.filter ? "" : button.dataset.filter;
      filter();
      if (chosen.value) document.getElementById("verdicts").scrollIntoView();
    }
  });

  const openLinkedVerdict = () => {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      return;
    }
    const verdict = id && document.getElementById(id);
    if (!verdict || !verdict.classList.contains("verdict")) return;
    if (verdict.hidden) {
      form.reset();
      filter();
    }
    for (let at = verdict; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const head = verdict.querySelector("summary") || verdict;
    if (head === verdict) verdict.tabIndex = -1;
    head.focus({ preventScroll: true });
    verdict.scrollIntoView();
  };
  addEventListener("hashchange", openLinkedVerdict);

  document.addEventListener("toggle", (event) => {
    if (!event.target.open || !event.target.classList.contains("verdict")) return;
    for (const pre of event.target.querySelectorAll("pre")) {
      const mark = pre.querySelector("mark");
      if (mark) pre.scrollTop = mark.offsetTop - pre.clientHeight / 3;
    }
  }, true);

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.card:not([open])")].filter((each) => !each.hidden);
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    opened = [];
  });

  readUrl();
  filter();
  openLinkedVerdict();
  // The browser scrolls to the fragment itself after loading, and moves the focus.
  addEventListener("load", () => setTimeout(openLinkedVerdict));
})();
