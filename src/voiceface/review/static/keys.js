// Single keys of the left hand, which the curator may change; `?` shows them.

import { byId, element } from "./dom.js";

const STORE = "voiceface.keys";

export const ACTIONS = {
  keep: ["f", "keep"],
  drop: ["d", "drop for its first flag, or as bad"],
  unsure: ["s", "unsure"],
  undo: ["a", "undo"],
  replay: ["r", "play again, or stop"],
  note: ["e", "write a note"],
  next: ["g", "on without a mark"],
  faster: ["w", "faster: 1×, 1.25×, 1.5×, 2×"],
  drop1: ["1", "drop: bad face"],
  drop2: ["2", "drop: another person"],
  drop3: ["3", "drop: another voice"],
  drop4: ["4", "drop: noise or music"],
  drop5: ["5", "drop: mouth does not fit"],
};

export const REASONS = {
  drop1: "bad face",
  drop2: "another person",
  drop3: "another voice",
  drop4: "noise or music",
  drop5: "mouth does not fit",
};

export const GRID = [..."123456qwertyasdfghzxcvbn"];

let keys = load();
let rubric = "";

function load() {
  const defaults = Object.fromEntries(Object.entries(ACTIONS).map(([name, [key]]) => [name, key]));
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };
  } catch {
    return defaults;
  }
}

// The curators' own rules, which the help shows.
export function setRubric(text) {
  rubric = text;
}

export const keyOf = (action) => keys[action];

export function actionOf(event) {
  if (event.key === " ") return "replay";
  if (event.key === "Backspace") return "undo";
  const key = event.key.toLowerCase();
  return Object.keys(keys).find((name) => keys[name] === key) ?? "";
}

// Whether a key is the page's own, and not for a field, a dialog or the browser.
export function isOurs(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  if (document.querySelector("dialog[open]")) return false;
  const at = event.target;
  if (at.matches?.("input:not([type=checkbox]), select, textarea")) return false;
  const presses = event.key === " " || event.key === "Enter";
  return !(presses && at.matches?.("button, a, summary, input") && !at.matches(".tile"));
}

export function showHelp(onChange) {
  const dialog = byId("help");
  const rows = Object.entries(ACTIONS).map(([name, [, about]]) =>
    element("tr", {}, element("th", { scope: "row" }, about), element("td", {}, rebinder(name, onChange))),
  );
  dialog.replaceChildren(
    element("h2", { id: "help-title" }, "Keys"),
    ...rubric ? [element("details", { open: true }, element("summary", {}, "How to decide"), element("p", { id: "rubric" }, rubric))] : [],
    element("p", { class: "soft" }, "Choose a key to change it, then press the new one."),
    element("div", { class: "columns" },
      element("table", {}, element("caption", {}, "Sound"), element("tbody", {}, ...rows)),
      element("div", {},
        element("table", {}, element("caption", {}, "Faces"), element("tbody", {},
          line("the key on a face: drop it, or not", "1 … n"),
          line("keep the rest of the page", "Enter"),
          line("hear the chosen face", "Space"),
          line("undo", "Backspace"),
        )),
        element("table", {}, element("caption", {}, "Everywhere"), element("tbody", {},
          line("play again", "Space"), line("undo", "Backspace"), line("these keys", "?"),
          line("the other pass", "Tab to Faces, Sound"),
        )),
      ),
    ),
    element("div", { class: "buttons" },
      element("button", { type: "button", onclick: () => reset(onChange) }, "As they were"),
      element("button", { type: "button", class: "main", onclick: () => dialog.close() }, "Close"),
    ),
  );
  if (!dialog.open) dialog.showModal();
}

function line(about, key) {
  return element("tr", {}, element("th", { scope: "row" }, about), element("td", {}, element("kbd", {}, key)));
}

function rebinder(name, onChange) {
  const button = element("button", { type: "button", class: "key", "aria-label": `${ACTIONS[name][1]}: ${keys[name]}` }, keys[name]);
  button.addEventListener("click", () => {
    button.textContent = "…";
    button.addEventListener("keydown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (event.key.length === 1 && event.key !== " " && event.key !== "?") bind(name, event.key.toLowerCase());
      onChange();
      showHelp(onChange);
      byId("help").querySelector(`[aria-label^="${ACTIONS[name][1]}:"]`)?.focus();
    }, { once: true });
  });
  return button;
}

// A key does one thing: who had it gets the one that is given up.
function bind(name, key) {
  const other = Object.keys(keys).find((one) => keys[one] === key);
  if (other) keys[other] = keys[name];
  keys[name] = key;
  localStorage.setItem(STORE, JSON.stringify(keys));
}

function reset(onChange) {
  localStorage.removeItem(STORE);
  keys = load();
  onChange();
  showHelp(onChange);
}
