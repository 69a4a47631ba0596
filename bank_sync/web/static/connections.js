// Keeps the list current: asks for the page again and puts its list in the place of ours. Nothing is kept.
"use strict";

(() => {
  const current = () => document.getElementById("live");
  let timer;

  async function renew() {
    const open = document.querySelector("#live details[open]");
    if (!open && !document.hidden) {
      try {
        const answer = await fetch("/connections", { headers: { Accept: "text/html", "X-Renewal": "1" } });
        if (answer.status === 401) { location.reload(); return; }
        if (answer.ok) {
          const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
          const note = current().querySelector(".note");
          if (note && fresh.querySelector(".busy")) fresh.prepend(note);
          history.replaceState(null, "", "/connections"); // a note is for once
          const focused = document.activeElement && document.activeElement.closest("form")?.getAttribute("action");
          if (fresh.innerHTML !== current().innerHTML) current().replaceWith(fresh);
          if (focused) document.querySelector(`form[action="${CSS.escape(focused).replace(/\\\//g, "/")}"] button`)?.focus();
        }
      } catch { /* offline: the next try comes by itself */ }
    }
    wait();
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(renew, 1000 * Number(current().dataset.refresh || 30));
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
  wait();
})();
