(() => {
  const { at, charts, draw, scalable, selectable, start } = page;
  const has = (name) => at(name) !== null;

  selectable("pair", charts.maps, (index) => draw("map", charts.maps[index]));
  if (has("front")) selectable("front-pair", charts.front, (index) => draw("front", charts.front[index]));
  if (has("curves")) scalable("curves");
  for (const name of ["paths", "objective"]) at(name).closest("section").hidden = !charts[name];

  start(() => {
    if (has("curves")) draw("curves", charts.curves);
    if (has("front")) draw("front", charts.front[0]);
    draw("map", charts.maps[0] ?? charts.response);
    for (const name of ["paths", "objective"]) if (charts[name]) draw(name, charts[name]);
    for (const name of ["spread", "logits", "degradation"]) draw(name, charts[name]);
  });
})();
