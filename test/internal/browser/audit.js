(() => {
  const found = new Set();
  const describe = (e) => {
    const id = e.id ? "#" + e.id : "";
    const name = typeof e.className === "string" && e.className ? "." + e.className.trim().replaceAll(/\s+/g, ".") : "";
    return e.localName + id + name + " " + JSON.stringify((e.textContent || "").trim().slice(0, 40));
  };
  const wrong = (what, e) => found.add(what + (e ? ": " + describe(e) : ""));
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const visible = (e) => {
    if (!e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) return false;
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
  };
  const labelled = (e) => {
    if ((e.getAttribute("aria-label") || "").trim()) return true;
    const by = e.getAttribute("aria-labelledby");
    return Boolean(by) && by.split(/\s+/).every((id) => document.getElementById(id)?.textContent.trim());
  };

  // The page as a whole.
  if (!document.documentElement.lang) wrong("no language");
  if (!document.title.trim()) wrong("no title");
  for (const [selector, what] of [["main", "main"], ["header", "header"], ["nav", "nav"], ["footer", "footer"]]) {
    if (!document.querySelector(selector)) wrong("no landmark " + what);
  }
  if (all("main").length > 1) wrong("several main landmarks");
  const ids = new Map();
  for (const e of all("[id]")) ids.set(e.id, (ids.get(e.id) || 0) + 1);
  for (const [id, n] of ids) if (n > 1) wrong("id " + id + " is there " + n + " times");
  for (const e of all("[style]")) if (e.id !== "tip") wrong("inline style", e);
  for (const e of all("script:not([src]), style")) wrong("inline script or style", e);

  // Names.
  for (const e of all("img")) if (!e.hasAttribute("alt")) wrong("image without alt", e);
  for (const e of all("svg")) {
    const hidden = e.closest("[aria-hidden=true]");
    if (!hidden && (e.getAttribute("role") !== "img" || !labelled(e))) wrong("svg without role and name", e);
  }
  for (const e of all("input, select, textarea")) if (!labelled(e) && !e.labels?.length) wrong("field without label", e);
  for (const e of all("button, summary, a[href]")) if (!labelled(e) && !e.textContent.trim()) wrong("nothing says what this does", e);
  for (const e of all("meter, progress")) if (!labelled(e) || !e.textContent.trim()) wrong("meter without name or text", e);
  for (const e of all("nav, section, [role=region], [role=log], dialog")) if (!labelled(e)) wrong("region without name", e);
  for (const e of all("[aria-labelledby], [aria-describedby], [for]")) {
    const of = e.getAttribute("aria-labelledby") || e.getAttribute("aria-describedby") || e.getAttribute("for");
    for (const id of of.split(/\s+/)) if (!document.getElementById(id)) wrong("refers to " + id + ", which is not there", e);
  }

  // Order.
  if (all("h1").length !== 1) wrong(all("h1").length + " h1");
  let level = 0;
  for (const h of all("h1, h2, h3, h4, h5, h6").filter((h) => !h.closest("dialog"))) {
    const n = Number(h.localName[1]);
    if (n > level + 1) wrong("heading skips a level", h);
    level = n;
  }
  for (const e of all("[tabindex]")) if (Number(e.getAttribute("tabindex")) > 0) wrong("tabindex above 0", e);

  // Tables.
  for (const table of all("table")) {
    if (!table.querySelector("th")) wrong("table without headers", table);
    for (const th of all("th", table)) if (!["col", "row"].includes(th.getAttribute("scope"))) wrong("th without scope", th);
    if (table.tHead && table.tBodies[0]) {
      const columns = table.tHead.rows[0].cells.length;
      for (const row of table.tBodies[0].rows) {
        const cells = [...row.cells].reduce((n, c) => n + c.colSpan, 0);
        if (cells !== columns) wrong("row with " + cells + " cells below " + columns + " columns", row);
      }
    }
  }
  for (const e of all("[aria-sort]")) {
    if (e.localName !== "th" || !["ascending", "descending"].includes(e.getAttribute("aria-sort"))) wrong("bad aria-sort", e);
  }

  // Contrast of every text that is seen (WCAG 1.4.3).
  const colour = (text) => {
    const m = text.match(/[\d.]+/g);
    if (!m) return null;
    const [r, g, b, a = 1] = m.map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const backgroundOf = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const c = colour(getComputedStyle(at).backgroundColor);
      if (c && c.a > 0) layers.push(c);
      if (c && c.a === 1) break;
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    let result = dark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 };
    for (const c of layers.reverse()) result = over(c, result);
    return result;
  };
  const luminance = (c) => {
    const [r, g, b] = [c.r, c.g, c.b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  const seen = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || seen.has(e) || ["SCRIPT", "STYLE", "NOSCRIPT", "METER", "title"].includes(e.tagName) || !visible(e)) continue;
    seen.add(e);
    texts++;
    const style = getComputedStyle(e);
    const background = backgroundOf(e);
    const raw = e.closest("svg") ? style.fill : style.color;
    const ink = colour(raw);
    if (!ink) continue;
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(over(ink, background), background);
    if (ratio < (large ? 3 : 4.5)) wrong("contrast " + ratio.toFixed(2) + " of " + raw, e);
  }
  if (texts < 5) wrong("next to no text: " + texts);
  // Lines of drawings (WCAG 1.4.11).
  for (const path of all("svg path").filter((p) => p.getAttribute("d") && !p.matches(".grid, .area, .cross") && visible(p.closest("svg")))) {
    const stroke = colour(getComputedStyle(path).stroke);
    if (stroke && contrast(over(stroke, backgroundOf(path.closest("svg"))), backgroundOf(path.closest("svg"))) < 3) wrong("faint line", path);
  }

  // What does not fit.
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    wrong("the page is " + wide + " pixels too wide");
    for (const e of all("main *")) {
      if (visible(e) && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest(".scroll, pre, svg")) wrong("sticks out", e);
    }
  }
  for (const e of all("body *")) {
    const style = getComputedStyle(e);
    if (!/auto|scroll/.test(style.overflowX) || !visible(e)) continue;
    if (e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0 && !e.querySelector("a[href], button, input")) wrong("scrolls, but not by keyboard", e);
  }

  // Targets for fingers (WCAG 2.5.8): 24 pixels, or that far from the others.
  if (innerWidth <= 500) {
    const targets = all("a[href], button, input, summary").filter(visible).map((e) => ({ e, box: e.getBoundingClientRect() }));
    for (const { e, box } of targets) {
      if (box.width >= 24 && box.height >= 24) continue;
      if (e.localName === "a" && e.closest("p, dd") && getComputedStyle(e).display === "inline") continue; // within a sentence
      const x = (box.left + box.right) / 2;
      const y = (box.top + box.bottom) / 2;
      const near = targets.find((t) => t.e !== e && t.box.left < x + 12 && t.box.right > x - 12 && t.box.top < y + 12 && t.box.bottom > y - 12);
      if (near) wrong("target of " + box.width.toFixed(0) + " by " + box.height.toFixed(0) + " close to " + describe(near.e), e);
    }
  }
  return [...found].slice(0, 40);
})()
