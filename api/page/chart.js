"use strict";
// The page of a container: what the pointer is told by a chart, and the raw dump.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);

  // Ours takes the place of the browser's own slow tooltip.
  function prepare() {
    for (const title of document.querySelectorAll(".spot > title")) {
      title.parentNode.dataset.tip = title.textContent;
      title.remove();
    }
    leave();
  }

  function leave() {
    tip.hidden = true;
    for (const cross of document.querySelectorAll(".cross")) cross.setAttribute("d", "");
  }

  function show(event) {
    const spot = event.target.closest?.(".spot");
    if (!spot) {
      leave();
      return;
    }
    for (const chart of document.querySelectorAll(".chart > svg")) {
      // The same moment in every chart, so that what belongs together is seen together.
      const twin = [...chart.querySelectorAll(".spot")].find((s) => s.dataset.x === spot.dataset.x);
      chart.querySelector(".cross").setAttribute("d", twin ? "M" + twin.dataset.x + " 8V138" : "");
    }
    tip.textContent = spot.dataset.tip;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const right = event.clientX + 14 + box.width > document.documentElement.clientWidth;
    tip.style.left = Math.max(0, right ? event.clientX - 14 - box.width : event.clientX + 14) + "px";
    tip.style.top = Math.max(0, event.clientY - box.height - 8) + "px";
  }

  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("pointerleave", leave);
  document.addEventListener("scroll", leave, { passive: true });
  document.addEventListener("fresh", prepare);
  prepare();

  const log = document.getElementById("log");
  if (log) log.scrollTop = log.scrollHeight; // the latest lines are last

  const raw = document.getElementById("raw");
  raw?.addEventListener("toggle", async () => {
    const place = document.getElementById("raw-text");
    if (!raw.open || !place.hidden) return;
    place.hidden = false;
    place.textContent = "…";
    try {
      const answer = await fetch(raw.dataset.src, { signal: AbortSignal.timeout(20000) });
      place.textContent = await answer.text();
    } catch (error) {
      place.textContent = error.message;
      place.hidden = false;
    }
  });
})();
