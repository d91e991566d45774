(() => {
  const { at, charts, draw, start } = page;

  const pick = at("pair");
  charts.maps.forEach((figure, index) => pick.append(new Option(figure.name, String(index))));
  pick.closest("label").hidden = charts.maps.length < 2;
  pick.addEventListener("change", () => draw("map", charts.maps[Number(pick.value)]));
  for (const name of ["paths", "objective"]) at(name).closest("section").hidden = !charts[name];

  start(() => {
    draw("map", charts.maps[0] ?? charts.response);
    for (const name of ["paths", "objective"]) if (charts[name]) draw(name, charts[name]);
    for (const name of ["spread", "logits", "degradation"]) draw(name, charts[name]);
  });
})();
