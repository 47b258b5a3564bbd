// What the editor lacks without it: words survive a closed tab, and the checks follow what is written.
"use strict";
(() => {
  // Words of an article are kept in this browser under the revision that they were made of.
  const keyOf = (article, revision) => `words ${article} ${revision}`;
  const saved = document.querySelector("[data-saved]");
  if (saved) localStorage.removeItem(`words ${saved.dataset.saved}`);
  const form = document.querySelector("form[data-editor]");
  if (!form) return;
  document.getElementById("main").removeAttribute("data-live"); // nothing may be put in the place of what somebody writes
  const article = form.dataset.editor, words = form.elements.words, state = form.querySelector("[data-state]");
  const key = keyOf(article, form.elements.revision.value);
  const plain = (text) => text.replace(/\s+/g, " ").trim();

  // --- what was not saved is offered
  const bar = document.querySelector(".kept");
  const kept = Object.keys(localStorage).filter((each) => each.startsWith(keyOf(article, "")))
    .map((each) => ({ key: each, ...JSON.parse(localStorage.getItem(each)) }));
  for (const each of kept.filter((each) => plain(each.words) === plain(words.value))) localStorage.removeItem(each.key);
  const lost = kept.filter((each) => plain(each.words) !== plain(words.value)).sort((a, b) => b.at - a.at)[0];
  if (lost) {
    bar.hidden = false;
    bar.querySelector("[data-when]").textContent = new Date(lost.at).toLocaleString();
    bar.querySelector("[data-restore]").addEventListener("click", () => {
      words.value = lost.words;
      bar.hidden = true;
      words.dispatchEvent(new Event("input", { bubbles: true }));
      words.focus();
    });
    bar.querySelector("[data-forget]").addEventListener("click", () => {
      kept.forEach((each) => localStorage.removeItem(each.key));
      bar.hidden = true;
      words.focus();
    });
  }

  // --- what is there is checked at once; each change is kept at once, and checked a moment later
  const checks = document.getElementById("checks");
  let waits, asked;
  function summary() {
    const wrong = checks.querySelectorAll(".checks li, .said.act").length;
    return wrong ? `Checked: ${wrong} to correct.` : "Checked: nothing is wrong.";
  }
  async function check() {
    asked?.abort();
    asked = new AbortController();
    checks.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("/fragment/check-words", { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal });
      const text = await answer.text();
      const isThere = answer.ok && !answer.redirected; // who is logged out is led to the login
      if (isThere) checks.innerHTML = text; // escaped by the server
      state.textContent = isThere ? summary() : "The checks are not there: are you logged in? Your words are kept in this browser.";
      checks.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name === "AbortError") return;
      state.textContent = "The checks cannot be reached. Your words are kept in this browser.";
      checks.removeAttribute("aria-busy");
    }
  }
  if (checks.querySelector("[data-unchecked]")) check();
  words.addEventListener("input", () => {
    try {
      localStorage.setItem(key, JSON.stringify({ words: words.value, at: Date.now() }));
    } catch {
      state.textContent = "This browser cannot keep your words: save before you leave.";
    }
    clearTimeout(waits);
    waits = setTimeout(check, 800);
  });
})();
