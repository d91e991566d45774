{
  const start = page.start;
  page.start = (drawAll) => start(() => {
    drawAll();
    for (const [name, figure] of Object.entries(page.charts.model)) page.draw(`model-${name}`, figure);
  });
}
