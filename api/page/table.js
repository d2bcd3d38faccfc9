"use strict";
// Sorts and filters a table in place. What is chosen stands in the address, which the server understands as well.
(() => {
  const input = document.getElementById("filter");
  const wanted = () => new URLSearchParams(location.search);

  function change(edit) {
    const url = new URL(location.href);
    edit(url.searchParams);
    history.replaceState(null, "", url);
    apply();
  }

  function sort(table) {
    const key = wanted().get("sort");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    document.getElementById("order").hidden = !key;
    const link = key && table.tHead.querySelector('[data-sort="' + CSS.escape(key) + '"]');
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    if (!link) {
      rows.sort((a, b) => a.dataset.r - b.dataset.r);
    } else {
      const head = link.closest("th");
      const column = head.cellIndex;
      const words = !rows.length || rows[0].cells[column].dataset.v === undefined;
      const down = (wanted().get("dir") || link.dataset.first) === "desc";
      const sign = down ? -1 : 1;
      const value = (row) => {
        const cell = row.cells[column];
        return words ? (column === 0 ? cell.querySelector("a") : cell).textContent.trim() : cell.dataset.v;
      };
      // What is not known comes last, whichever way.
      const compare = (a, b) => {
        if (words) return sign * a.localeCompare(b);
        return a === "" || b === "" ? (a === "") - (b === "") : sign * (a - b);
      };
      const keyed = rows.map((row) => [value(row), row]);
      keyed.sort(([a, x], [b, y]) => compare(a, b) || x.dataset.r - y.dataset.r);
      keyed.forEach(([, row], i) => { rows[i] = row; });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }
    const moved = rows.some((row, i) => row !== body.rows[i]);
    if (!moved) return;
    const active = document.activeElement;
    body.append(...rows);
    if (body.contains(active)) active.focus({ preventScroll: true });
  }

  function filter(table) {
    const words = (wanted().get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const cells = table.matches("[data-list]") ? 1 : Infinity;
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const states = (row.dataset.s || "").split(" ");
      const text = words.length ? [...row.cells].slice(0, cells).map((c) => c.textContent).join(" ").toLowerCase() : "";
      row.hidden = !words.every((w) => (w.startsWith("state:") ? states.includes(w.slice(6)) : text.includes(w) || states.includes(w)));
      shown += !row.hidden;
    }
    document.getElementById("none").hidden = shown > 0 || table.tBodies[0].rows.length === 0;
    for (const chip of document.querySelectorAll("#chips a[data-q]")) {
      if (chip.dataset.q === (wanted().get("q") || "")) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
  }

  function apply() {
    const table = document.querySelector("#table table");
    if (!table) return;
    if (table.matches("[data-list]")) sort(table);
    filter(table);
  }

  function search(text) {
    change((params) => (text ? params.set("q", text) : params.delete("q")));
    if (input.value !== text) input.value = text;
  }

  input.addEventListener("input", () => search(input.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && (event.target === input || input.value)) {
      search("");
      input.blur();
    } else if (event.key === "Enter" && event.target === input) {
      document.querySelector("#table tbody tr:not([hidden]) a")?.focus();
      event.preventDefault();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[data-sort], a[data-q]");
    if (!link) return;
    event.preventDefault();
    if (link.dataset.sort === undefined) {
      search(link.dataset.q);
      return;
    }
    const order = link.closest("th")?.getAttribute("aria-sort");
    change((params) => {
      params.delete("sort");
      params.delete("dir");
      if (!link.dataset.sort) return;
      params.set("sort", link.dataset.sort);
      params.set("dir", order ? (order === "ascending" ? "desc" : "asc") : link.dataset.first);
    });
  });
  document.addEventListener("fresh", apply);
  document.getElementById("finder").hidden = false;
  apply();
})();
