"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const list = at("units"), count = at("count"), none = at("none");
  const find = at("find"), least = at("least"), said = at("least-said"), sort = at("sort");
  const chance = at("chance"), explained = at("explained");
  const cards = Array.from(list.children);
  const top = Number(least.dataset.top) || 0;
  const down = new Set(["score", "holdout", "gain", "coverage"]);
  const value = (card, name) => (name in card.dataset ? Number(card.dataset[name]) : NaN);

  function passes(card, words, bar) {
    if (chance && chance.checked && !card.dataset.chance) return false;
    if (explained && explained.checked && !card.dataset.explained) return false;
    if (bar > 0 && !(value(card, "score") >= bar)) return false;
    return words.every((word) => card.dataset.text.includes(word));
  }
  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean), bar = (top * Number(least.value)) / 100;
    said.textContent = bar.toPrecision(2).replace(/^0\.0$/, "0");
    let shown = 0;
    for (const card of cards) {
      card.hidden = !passes(card, words, bar);
      shown += !card.hidden;
    }
    count.textContent = shown + " of " + cards.length + " units";
    none.hidden = shown > 0;
  }
  function order() {
    const name = sort.value, sign = down.has(name) ? -1 : 1;
    const compare = (a, b) => {
      if (name === "formula") return (a.dataset.formula || "\uffff").localeCompare(b.dataset.formula || "\uffff");
      const x = value(a, name), y = value(b, name);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    };
    // Sorting is stable: units that are equal stay in the order given.
    const given = (a, b) => value(a, "order") - value(b, "order");
    for (const card of [...cards].sort(given).sort(compare)) list.append(card);
  }
  for (const one of [find, least, chance, explained]) if (one) one.addEventListener("input", filter);
  sort.addEventListener("change", order);
  at("controls").hidden = false;
  filter();
})();
