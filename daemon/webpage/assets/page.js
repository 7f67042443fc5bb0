// The page does all it does without this script; with it, it stays up to date,
// filters while one types, and remembers the theme.
(() => {
  "use strict";

  // --- theme: before anything is painted ---
  const themes = ["system", "light", "dark"];
  const names = { system: "as the system", light: "light", dark: "dark" };
  const key = "certwright-theme";
  const remembered = () => {
    try { return themes.includes(localStorage.getItem(key)) ? localStorage.getItem(key) : "system"; } catch { return "system"; }
  };
  let theme = remembered();
  const show = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const label = document.getElementById("theme-name");
    if (label) label.textContent = names[theme];
  };
  show();

  const every = 2000; // ms between two looks; an answer that nothing changed costs nearly nothing
  const most = 30000; // ms, when nobody answers
  const patience = 15000; // ms for an answer
  let tag = "", timer = 0, wait = every, paused = false, lost = false, visit = 0;

  const byId = (id) => document.getElementById(id);
  const say = (text) => { byId("say").textContent = text; };

  // fetchPage returns the document at an address, or null when nothing changed.
  async function fetchPage(address, known) {
    const headers = { Accept: "text/html" };
    if (known) headers["If-None-Match"] = known;
    const answer = await fetch(address, { headers, cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(patience) });
    if (answer.status === 304) return null;
    if (answer.status !== 404 && !answer.ok) throw new Error("status " + answer.status);
    const text = await answer.text();
    tag = answer.headers.get("ETag") || "";
    return new DOMParser().parseFromString(text, "text/html");
  }

  // keeping changes the document and puts back focus, selection, scroll and
  // what was unfolded.
  function keeping(change) {
    const active = document.activeElement;
    const id = active && active !== document.body ? active.id : "";
    const typed = active && active.id === "q" ? [active.value, active.selectionStart, active.selectionEnd] : null;
    const open = [...document.querySelectorAll("details[open]")].map((d) => d.id);
    const x = window.scrollX, y = window.scrollY;
    change();
    for (const d of open) { const found = byId(d); if (found) found.open = true; }
    const back = id && byId(id);
    if (back && document.activeElement !== back) {
      back.focus({ preventScroll: true });
      if (typed) { back.value = typed[0]; back.setSelectionRange(typed[1], typed[2]); }
    }
    window.scrollTo({ left: x, top: y, behavior: "instant" });
  }

  const replace = (old, fresh) => {
    if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...document.importNode(fresh, true).childNodes);
  };

  // renew changes what is live; all of it when it is another kind of page, as
  // when a Certificate was deleted.
  function renew(fresh) {
    const parts = [...document.querySelectorAll("[data-live]")];
    if (!parts.every((part) => fresh.getElementById(part.id))) {
      document.title = fresh.title;
      replace(byId("main"), fresh.getElementById("main"));
    }
    for (const part of document.querySelectorAll("[data-live]")) replace(part, fresh.getElementById(part.id));
  }

  function state(name, text) {
    byId("live").dataset.state = name;
    byId("live-text").textContent = text;
  }

  // refresh looks once, and changes only what is live and changed.
  async function refresh() {
    clearTimeout(timer);
    if (paused || document.hidden) return;
    const mine = ++visit;
    try {
      const fresh = await fetchPage(location.href, tag);
      if (mine !== visit) return; // the visitor has gone elsewhere meanwhile
      if (fresh) keeping(() => renew(fresh));
      wait = every;
      lost = false;
      state("live", "Live");
    } catch {
      if (mine !== visit) return;
      wait = Math.min(wait * 2, most);
      if (!lost) say("The connection is lost. Trying again.");
      lost = true;
      state("lost", "Connection lost: trying again. What is shown may be old.");
    }
    timer = setTimeout(refresh, wait);
  }

  // go shows another view of the list without loading all anew.
  async function go(address, remember, announce) {
    const mine = ++visit;
    clearTimeout(timer);
    try {
      const fresh = await fetchPage(address, "");
      if (mine !== visit) return;
      if (remember) history[remember](null, "", address);
      document.title = fresh.title;
      keeping(() => replace(byId("main"), fresh.getElementById("main")));
      const found = byId("found");
      if (announce && found) say(found.textContent);
      timer = setTimeout(refresh, every);
    } catch {
      if (mine === visit) location.href = address; // the browser says best what is wrong
    }
  }

  const addressOf = (form) => {
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "" && !(name === "size" && value === "50")) asked.append(name, value);
    const text = asked.toString();
    return text ? "./?" + text : "./";
  };

  const plain = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[data-soft]");
    if (!link || !plain(event) || event.defaultPrevented) return;
    event.preventDefault();
    go(link.href, "pushState", true);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filter") return;
    event.preventDefault();
    go(addressOf(event.target), "pushState", true);
  });
  let typing = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("#filter");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => go(addressOf(form), "replaceState", true), event.target.id === "q" ? 250 : 0);
  });
  window.addEventListener("popstate", () => go(location.href, "", false));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); else clearTimeout(timer); });

  document.addEventListener("DOMContentLoaded", () => {
    byId("tools").hidden = false;
    byId("live").hidden = false;
    show();
    byId("theme").addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      try { localStorage.setItem(key, theme); } catch { /* it holds until the next page */ }
      show();
      say("Theme: " + names[theme]);
    });
    byId("pause").addEventListener("click", () => {
      paused = !paused;
      byId("pause").setAttribute("aria-pressed", String(paused));
      if (paused) { clearTimeout(timer); visit++; state("paused", "Paused"); } else { wait = every; state("live", "Live"); refresh(); }
    });
    timer = setTimeout(refresh, every);
  });
})();
