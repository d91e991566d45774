"use strict";
const page = (() => {
  const root = document.documentElement;
  const at = (id) => document.getElementById(id);
  const charts = JSON.parse(at("charts").textContent);
  const shown = new Map(); // element -> figure
  root.classList.add("scripted");

  // Theme: ?theme=dark, then the last choice, then the system's.
  const asked = new URLSearchParams(location.search).get("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = (() => { try { return localStorage.getItem("report-theme"); } catch { return null; } })();
  const chosen = [asked, stored].find((name) => name === "light" || name === "dark");
  if (chosen) root.dataset.theme = chosen;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  at("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("report-theme", root.dataset.theme); } catch { /* private window */ }
    redraw();
  });
  system.addEventListener("change", redraw);

  // Charts. Colours in the figures are names of CSS variables.
  function themed(value, style) {
    if (typeof value === "string") return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) {
      const plain = typeof value[0] === "number" && typeof value[value.length - 1] === "number";
      return plain ? value : value.map((item) => themed(item, style));
    }
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]));
    }
    return value;
  }

  const PAPER_PX = 660; // what A4 and Letter leave inside their margins and a section's
  let printing = false;

  function layoutOf(figure, element) {
    const narrow = element.clientWidth < 560;
    const axis = { gridcolor: "--grid", linecolor: "--line", zerolinecolor: "--line", tickcolor: "--line", automargin: true };
    const layout = { ...figure.layout };
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis/.test(name))) {
      layout[key] = { ...axis, ...layout[key] };
      if (key.startsWith("y")) {
        layout[key].title = narrow && layout[key].title
          ? undefined : { standoff: 8, ...layout[key].title, font: { size: 12, color: "--muted" } };
      }
    }
    if (layout.xaxis) layout.xaxis = { showgrid: false, hoverformat: "%Y-%m-%d %H:%M UTC", ...layout.xaxis };
    return {
      autosize: !printing, width: printing ? PAPER_PX : undefined, height: element.clientHeight, margin: { l: 8, r: 8, t: 28, b: 8 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: narrow ? false : "zoom",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "--ink-soft" },
      hoverlabel: { bgcolor: "--surface", bordercolor: "--line", font: { color: "--ink" } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "--muted", activecolor: "--accent" },
      hoversubplots: "axis", separators: ".\u202f", ...layout,
    };
  }

  const config = (narrow) => ({ displayModeBar: narrow ? false : undefined, responsive: true, displaylogo: false, modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] });

  function draw(id, figure) {
    const element = at(id);
    if (!figure) {
      const said = document.createElement("p");
      said.className = "empty";
      said.textContent = element.dataset.empty;
      element.replaceChildren(said);
      element.style.height = "auto";
      return;
    }
    element.querySelector("noscript")?.remove();
    shown.set(id, figure);
    const style = getComputedStyle(root);
    Plotly.react(element, themed(figure.data, style), themed(layoutOf(figure, element), style), config(element.clientWidth < 560));
  }

  function redraw() {
    for (const [id, figure] of shown) draw(id, figure);
  }

  async function unpack() {
    const packed = Uint8Array.from(atob(at("plotly").textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    at("plotly").remove();
  }

  // Controls.
  function press(group, button) {
    for (const other of group.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  }

  // Buttons "scale": a chart's upper axis, linear or logarithmic where its figure allows that.
  function scalable(id) {
    const scale = at("scale");
    const figure = charts[id];
    if (!figure?.log) scale.querySelector('[data-scale="log"]').disabled = true;
    scale.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || !figure) return;
      press(scale, button);
      figure.layout.yaxis.type = button.dataset.scale;
      draw(id, figure);
    });
  }

  // Select: which of several figures is shown.
  function selectable(id, figures, show) {
    const select = at(id);
    figures.forEach((figure, index) => select.append(new Option(figure.name, String(index))));
    select.closest("label").hidden = figures.length < 2;
    select.addEventListener("change", () => show(Number(select.value)));
  }

  // Print on white, whatever the screen shows.
  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    printing = true;
    redraw();
  });
  addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    printing = false;
    redraw();
  });

  // Unpacks the library, lets the page draw, and says where that failed.
  function start(drawAll) {
    unpack().then(() => {
      drawAll();
      root.dataset.charts = "drawn";
    }).catch((fault) => {
      for (const element of document.querySelectorAll(".chart")) {
        element.textContent = "The charts could not be drawn: this browser is too old, or the file is damaged.";
        element.style.height = "auto";
      }
      console.error(fault);
    });
  }

  return { at, charts, draw, press, scalable, selectable, start };
})();
