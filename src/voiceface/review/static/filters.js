// The queue, the filters and the order, over every column of the manifest.

import { byId, element, figure } from "./dom.js";

const OPERATORS = {
  number: ["<", "<=", ">", ">=", "=", "!="], time: ["<", ">", "=", "!="], text: ["=", "!=", "~", "!~"],
  name: ["~", "!~", "=", "!="], flags: ["=", "!="], truth: ["="],
};
const WORDS = {
  "<": "under", "<=": "at most", ">": "over", ">=": "at least", "=": "is", "!=": "is not", "~": "contains", "!~": "does not contain",
};

export class Filters {
  constructor(state, onChange) {
    this.state = state;
    this.onChange = onChange;
    this.chosen = [];
    this.columns = [...state.columns].sort((a, b) => a.label.localeCompare(b.label));
    const queue = byId("queue");
    queue.addEventListener("change", (event) => this.chose(event));
    byId("open-filters").addEventListener("click", () => this.toggle());
    this.build();
  }

  // The queues with their counts; the chosen one stays chosen.
  count(queues) {
    const select = byId("queue");
    const chosen = select.value || "pending";
    select.replaceChildren(...queues.map(({ name, words, count }) => element("option", { value: name, title: words }, `${name} (${figure(count)})`)));
    select.value = chosen;
  }

  // Who chose with the mouse goes on with the keys; who chose with the keys may choose again.
  chose({ target }) {
    if (!target.matches(":focus-visible")) byId("desk").focus();
    this.onChange();
  }

  query() {
    return { queue: byId("queue").value, filters: this.chosen, sort: this.sort.value };
  }

  toggle() {
    const panel = byId("filters");
    panel.hidden = !panel.hidden;
    byId("open-filters").setAttribute("aria-expanded", !panel.hidden);
    if (!panel.hidden) this.column.focus();
  }

  build() {
    const option = ({ name, label }) => element("option", { value: name }, label);
    this.column = element("select", { id: "filter-column", onchange: () => this.offer() }, ...this.columns.map(option));
    this.operator = element("select", { id: "filter-operator" });
    this.value = element("span", {});
    this.list = element("ul", { class: "chips" });
    this.sort = element("select", { id: "sort", onchange: (event) => this.chose(event) },
      element("option", { value: "doubtful" }, "most doubtful first"),
      element("option", { value: "worst" }, "worst first"),
      element("option", { value: "uncertain" }, "least certain first"),
      element("option", { value: "manifest" }, "in order of the manifest"),
      ...this.columns.flatMap(({ name, label }) => [
        element("option", { value: name }, `lowest ${label} first`), element("option", { value: `-${name}` }, `highest ${label} first`)]));
    const form = element("form", { onsubmit: (event) => { event.preventDefault(); this.add(); } },
      element("label", { for: "filter-column" }, "Only where"), this.column,
      element("label", { for: "filter-operator", class: "hidden" }, "is, or how it compares"), this.operator,
      this.value, element("button", {}, "Add"));
    byId("filters").replaceChildren(form, this.list, element("p", {}, element("label", { for: "sort" }, "Order "), this.sort));
    this.column.value = "flags";
    this.offer();
  }

  offer() {
    const { kind, values } = this.columns.find(({ name }) => name === this.column.value);
    this.operator.replaceChildren(...OPERATORS[kind].map((one) => element("option", { value: one }, WORDS[one])));
    const field = values.length
      ? element("select", { id: "filter-value" }, ...values.map(({ name, words }) => element("option", { value: name }, words)),
          kind === "flags" || kind === "text" ? element("option", { value: "" }, "(none)") : null)
      : element("input", { id: "filter-value", placeholder: kind === "time" ? "2026-11-20" : "", autocomplete: "off" });
    this.value.replaceChildren(element("label", { for: "filter-value", class: "hidden" }, "Value"), field);
  }

  add() {
    const field = byId("filter-value");
    this.chosen.push(`${this.column.value}${this.operator.value}${field.value}`);
    this.show();
    this.onChange();
  }

  show() {
    this.list.replaceChildren(...this.chosen.map((text, place) =>
      element("li", {}, this.words(text), " ", element("button", {
        type: "button", "aria-label": `Remove ${this.words(text)}`,
        onclick: () => { this.chosen.splice(place, 1); this.show(); this.onChange(); },
      }, "×"))));
  }

  words(text) {
    const [, name, operator, value] = text.match(/^([a-z0-9_]+)(<=|>=|!=|!~|<|>|=|~)(.*)$/s);
    const { label, unit, values } = this.columns.find((column) => column.name === name);
    const said = values.find((one) => one.name === value)?.words ?? (value || "not known");
    return `${label} ${WORDS[operator]} ${said} ${unit}`.trim();
  }
}
