"use strict";
// Shows events as they come. Where the stream cannot be had, the page is made fresh from time to time, as every other.
(() => {
  const most = 500;
  const status = document.getElementById("stream");
  const two = (n) => String(n).padStart(2, "0");
  const body = () => document.querySelector("#events tbody");
  const asked = new URLSearchParams(location.search);

  const clock = (time) => {
    const t = new Date(time);
    return two(t.getUTCMonth() + 1) + "-" + two(t.getUTCDate()) + " " + two(t.getUTCHours()) + ":" + two(t.getUTCMinutes()) + ":" + two(t.getUTCSeconds());
  };

  function make(tag, text, parent, name) {
    const e = document.createElement(tag);
    e.textContent = text;
    if (name) e.className = name;
    parent?.append(e);
    return e;
  }

  function wanted(e) {
    const container = asked.get("container");
    if (asked.get("type") && asked.get("type") !== e.type) return false;
    if (!container) return true;
    return e.type === "container" && (e.name === container || (container.length >= 6 && (e.id || "").startsWith(container)));
  }

  function row(e) {
    const tr = document.createElement("tr");
    tr.dataset.seq = e.seq;
    const time = make("time", clock(e.time), make("td", "", tr));
    time.dateTime = e.time;
    const bad = e.action === "oom" || e.detail === "unhealthy";
    const code = e.exit_code;
    if (bad) tr.className = "bad";
    else if (code && code !== 130 && code !== 143) tr.className = "warn";
    const what = make("th", "", tr);
    what.scope = "row";
    make("span", e.type, what, "dim");
    const more = code !== null && code !== undefined ? ", exit code " + code : e.signal ? ", signal " + e.signal : "";
    what.append(" " + e.action.replaceAll("_", " ") + (e.detail ? ": " + e.detail : "") + more);
    const of = make("td", "", tr);
    let place = of;
    if (e.type === "container" && e.id) {
      place = make("a", "", of);
      place.setAttribute("href", "containers/" + encodeURIComponent(e.id));
    }
    make("bdi", (e.name || (e.id || "").slice(0, 12)).slice(0, 80), place);
    if (e.image) {
      of.append(" ");
      make("bdi", e.image.slice(0, 80), make("span", "", of, "image"));
    }
    if (e.engine) {
      of.append(" ");
      make("span", e.engine, of, "dim");
    }
    return tr;
  }

  function take(message) {
    let e;
    try {
      e = JSON.parse(message.data);
    } catch {
      return;
    }
    if (document.getElementById("pause").getAttribute("aria-pressed") === "true") {
      missed = true;
      return;
    }
    if (add(e)) document.dispatchEvent(new Event("fresh"));
    recent.push(e);
    recent.splice(0, recent.length - 50);
  }

  function add(e) {
    const table = document.getElementById("table");
    if (!(e.seq > Number(table.dataset.last || 0))) return false;
    table.dataset.last = e.seq;
    if (!wanted(e)) return false;
    body().prepend(row(e));
    while (body().rows.length > most) body().lastElementChild.remove();
    table.querySelector("p")?.remove();
    return true;
  }

  // A page that was made before the latest events came lacks them.
  document.addEventListener("fresh", () => recent.forEach(add));

  const recent = [];

  let missed = false;
  document.getElementById("pause").addEventListener("click", () => {
    if (missed) document.dispatchEvent(new Event("refresh"));
    missed = false;
  });

  const stream = new EventSource("api/v1/events?follow=1");
  stream.onmessage = take;
  stream.onopen = () => {
    document.body.dataset.stream = "on";
    status.textContent = "Live.";
    document.dispatchEvent(new Event("refresh")); // what came between the page and the stream
  };
  stream.onerror = () => {
    delete document.body.dataset.stream;
    status.textContent = stream.readyState === EventSource.CLOSED ? "Every few seconds." : "Connecting again…";
  };
})();
