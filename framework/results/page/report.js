(() => {
  const { at, charts, draw, press, scalable, selectable, start } = page;

  function drawPair(index) {
    draw("price", charts.price[index]);
    at("price-note").textContent = charts.price[index]?.note ?? "";
  }

  scalable("account");
  selectable("pair", charts.price, drawPair);

  const table = at("trades");
  if (table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const views = document.querySelector('[data-for="trades"]');
    const sortBy = (column, descending) => {
      heads.forEach((head, index) => head.setAttribute("aria-sort", index !== column ? "none" : descending ? "descending" : "ascending"));
      const key = (row) => row.cells[column].dataset.key;
      const numeric = [...body.rows].every((row) => key(row) !== "" && !Number.isNaN(Number(key(row))));
      const order = (a, b) => (numeric ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b)));
      body.append(...[...body.rows].sort((a, b) => (descending ? order(b, a) : order(a, b))));
    };
    const view = (name) => {
      press(views, views.querySelector(`[data-view="${name}"]`));
      for (const row of body.rows) row.hidden = !row.dataset.in.split(" ").includes(name);
      if (name === "last") sortBy(0, true);
      else sortBy(heads.findIndex((head) => head.dataset.sort === "result"), name === "best");
    };
    heads.forEach((head, index) => head.querySelector("button").addEventListener("click", () =>
      sortBy(index, head.getAttribute("aria-sort") !== "descending")));
    views.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) view(button.dataset.view);
    });
    view("last");
  }

  start(() => {
    draw("account", charts.account);
    drawPair(0);
    draw("histogram", charts.histogram);
  });
})();
