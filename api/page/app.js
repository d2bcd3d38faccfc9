"use strict";
// What all pages have: fresh content without a reload, keys, help. Other scripts hear of fresh content by the event "fresh".
(() => {
  const byID = (id) => document.getElementById(id);
  const notice = byID("notice");
  const pause = byID("pause");
  const help = byID("help");
  // Longer tables come less often: they cost the host more.
  const every = () => 5000 * Math.max(1, document.querySelectorAll("[data-list] tbody tr").length / 500);
  let busy = false;
  let broken = false;

  function say(text) {
    if (notice.textContent !== text) notice.textContent = text;
    notice.hidden = !text;
  }

  // Puts a fresh element in the place of an old one, as the reader has left it: what is open, scrolled, and focused.
  function exchange(old, fresh) {
    for (const d of old.querySelectorAll("details[id][open]")) {
      const twin = fresh.querySelector("#" + CSS.escape(d.id));
      if (twin) twin.open = true;
    }
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const places = [old, ...old.querySelectorAll("[tabindex][id]")].map((e) => ({
      id: e.id, left: e.scrollLeft, top: e.scrollTop, end: e.scrollHeight - e.scrollTop - e.clientHeight < 4,
    }));
    old.replaceWith(fresh);
    for (const place of places) {
      const e = byID(place.id);
      if (!e) continue;
      e.scrollLeft = place.left;
      e.scrollTop = place.end && place.top ? e.scrollHeight : place.top;
    }
    if (!active) return;
    const href = active.getAttribute("href");
    const twin = active.id ? byID(active.id) : href && fresh.querySelector('a[href="' + CSS.escape(href) + '"]');
    twin?.focus({ preventScroll: true });
  }

  const held = () => {
    const selection = getSelection();
    return document.hidden || pause.getAttribute("aria-pressed") === "true" || (selection && !selection.isCollapsed);
  };

  async function refresh() {
    if (busy || held()) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(20000) });
      const text = await answer.text();
      const page = new DOMParser().parseFromString(text, "text/html");
      if (!answer.ok) throw new Error((page.querySelector(".problem") || page.body).textContent.trim().slice(0, 200) || answer.statusText);
      if (held()) return;
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (fresh && fresh.outerHTML !== old.outerHTML) exchange(old, document.adoptNode(fresh));
      }
      document.title = page.title;
      say("");
      broken = false;
      document.dispatchEvent(new Event("fresh"));
    } catch (error) {
      say("This page is out of date: " + error.message);
      broken = true;
    } finally {
      busy = false;
    }
  }

  async function loop() {
    if (!document.body.dataset.stream || broken) await refresh();
    setTimeout(loop, every());
  }

  function setPaused(on) {
    pause.setAttribute("aria-pressed", String(on));
    pause.textContent = on ? "Paused" : "Pause";
    if (!on) refresh();
  }

  // Rows are walked by their links, so that the browser knows what is focused, and Enter opens it.
  function walk(step) {
    const links = [...document.querySelectorAll("[data-list] tbody tr:not([hidden]) th > a")];
    const table = links.length ? links : [...document.querySelectorAll("table.events tbody tr:not([hidden]) a")];
    if (!table.length) return;
    const at = table.indexOf(document.activeElement);
    const next = table[at < 0 ? (step > 0 ? 0 : table.length - 1) : Math.min(Math.max(at + step, 0), table.length - 1)];
    next.focus({ preventScroll: true });
    next.closest("tr").scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    const inRow = event.target.closest("tbody tr");
    const keys = {
      j: () => walk(1),
      k: () => walk(-1),
      ArrowDown: inRow && (() => walk(1)),
      ArrowUp: inRow && (() => walk(-1)),
      p: () => setPaused(pause.getAttribute("aria-pressed") !== "true"),
      "?": () => help.showModal(),
      "/": byID("filter") && (() => byID("filter").focus()),
    };
    const action = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  pause.hidden = false;
  pause.addEventListener("click", () => setPaused(pause.getAttribute("aria-pressed") !== "true"));
  byID("help-open").hidden = false;
  byID("help-open").addEventListener("click", () => help.showModal());
  document.addEventListener("refresh", refresh);
  document.addEventListener("visibilitychange", refresh);
  setTimeout(loop, every());
})();
