"use strict";
(() => {
  // Longer tables come less often: they cost the host more.
  const every = () => 5000 * Math.max(1, document.querySelectorAll("#containers tbody tr").length / 500);
  const notice = document.getElementById("notice");
  let order = null; // {id, down}: the button that sorts, once one was pressed

  function sort() {
    const button = order && document.getElementById(order.id);
    if (!button) return;
    const head = button.closest("th");
    const column = head.cellIndex;
    const body = head.closest("table").tBodies[0];
    const text = "text" in button.dataset;
    const key = (row) => {
      const cell = row.cells[column];
      return text ? cell.textContent.trim() : Number(cell.dataset.value);
    };
    const compare = (a, b) => (text ? key(a).localeCompare(key(b)) : key(a) - key(b));
    const rows = [...body.rows].filter((row) => row.cells.length > column);
    rows.sort((a, b) => (order.down ? compare(b, a) : compare(a, b)));
    body.append(...rows);
    for (const th of head.parentNode.cells) th.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("thead button");
    if (!button) return;
    const again = order && order.id === button.id;
    order = { id: button.id, down: again ? !order.down : !("text" in button.dataset) };
    sort();
  });

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(20000) });
      if (!answer.ok) throw new Error((await answer.text()).trim().slice(0, 200) || answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const old = document.querySelector("main");
      const scrolled = old.querySelector(".scroll")?.scrollLeft;
      const focused = old.contains(document.activeElement) && document.activeElement.id;
      old.replaceWith(fresh);
      sort();
      if (scrolled) fresh.querySelector(".scroll").scrollLeft = scrolled;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      notice.hidden = true;
    } catch (error) {
      const text = "This page is out of date: " + error.message;
      if (notice.textContent !== text) notice.textContent = text;
      notice.hidden = false;
    }
  }

  async function loop() {
    await refresh();
    setTimeout(loop, every());
  }

  setTimeout(loop, every());
  document.addEventListener("visibilitychange", refresh);
})();
