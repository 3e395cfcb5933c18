"use strict";
(() => {
  const { config, specs } = JSON.parse(document.getElementById("charts").textContent);
  // `ast` makes Vega interpret its expressions, so that the page forbids evaluating text as code.
  const options = {
    config, ast: true, actions: false, renderer: "svg", mode: "vega-lite", defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  };
  for (const place of document.querySelectorAll("[data-chart]")) {
    vegaEmbed(place, specs[Number(place.dataset.chart)], options).catch((error) => {
      place.textContent = "This chart could not be drawn: " + error.message;
      place.classList.add("broken");
    });
  }
  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) { one.open = true; opened.push(one); }
  });
  window.addEventListener("afterprint", () => { while (opened.length) opened.pop().open = false; });
})();
