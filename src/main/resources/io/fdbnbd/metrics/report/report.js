(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const byId = id => document.getElementById(id);
  const {COLORS, time, plain, variable, width} = charts;
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
  const several = data.runs.length > 1;
  const plots = {};

  const percent = x => String(Number((100 - 100 / x).toPrecision(6))) + ' %';

  const label = (run, series) => series.name + (several ? ', ' + run.name : '');

  // ---- what all charts share

  const axis = (title, values, more) => charts.axis(values, {label: title, ...more});

  function line(run, series, index, show) {
    return {
      label: label(run, series), stroke: COLORS[index % COLORS.length], width: 2,
      dash: DASHES[data.runs.indexOf(run) % DASHES.length], points: {show: false}, spanGaps: true, value: (u, v) => show(v),
    };
  }

  const height = place => (place.clientWidth < 500 ? 270 : 360);

  function draw(id, options, columns) {
    const section = byId(id);
    const place = section.querySelector('.plot');
    const output = section.querySelector('output');
    if (plots[id]) plots[id].destroy();
    output.textContent = '';
    const plot = new uPlot({width: width(place), height: height(place), padding: [12, 32, 0, 0], legend: charts.legend, ...options}, columns, place);
    plots[id] = plot;
    charts.makeLegendReachable(plot, place);
    place.onkeydown = event => step(plot, output, event);
  }

  /** The arrow keys move the cursor, and what is there is told. */
  function step(plot, output, event) {
    const last = plot.data[0].length - 1;
    const at = plot.cursor.idx == null ? -1 : plot.cursor.idx;
    const to = {ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last}[event.key];
    if (to == null || event.target.closest('.u-legend')) return;
    event.preventDefault();
    plot.setCursor({left: plot.valToPos(plot.data[0][to], 'x'), top: plot.bbox.height / 2 / devicePixelRatio});
    output.textContent = plot.series.map((series, i) => {
      const value = plot.data[i][to];
      return value == null || !series.show ? '' : series.label + ' ' + series.value(plot, value, i, to);
    }).filter(text => text !== '').join('; ');
  }

  function chosen(wanted) {
    const all = [];
    for (const run of data.runs) {
      for (const series of run.series) {
        if (series.volume === byId('volume').value && wanted(series)) all.push([run, series]);
      }
    }
    return all;
  }

  /** The same measure has the same color in every run. */
  function colorOf(all) {
    const names = [...new Set(all.map(([, series]) => series.name))];
    return series => names.indexOf(series.name);
  }

  // ---- the charts

  function drawPercentiles() {
    const commands = byId('part').value === 'commands';
    const all = chosen(series => series.percentiles && series.command === commands);
    const color = colorOf(all);
    const narrow = byId('percentiles').clientWidth < 500;
    const logarithmic = byId('log-latency').checked;
    draw('percentiles', {
      scales: {x: {time: false, distr: 3, range: [1, 1e5]},
        y: logarithmic ? {distr: 3} : {range: (u, min, max) => [0, max * 1.05]}},
      axes: [
        axis('percentile', (u, splits) => splits.map(percent), {
          splits: () => (narrow ? [1, 10, 100, 1e3, 1e5] : [1, 2, 10, 100, 1e3, 1e4, 1e5]),
          filter: (u, splits) => splits, space: 1}),
        axis('latency', (u, splits) => splits.map(time), {size: 72}),
      ],
      series: [{label: 'percentile', value: (u, x) => (x == null ? '' : percent(x))},
        ...all.map(([run, series]) => line(run, series, color(series), time))],
    }, [data.xs, ...all.map(([, series]) => series.percentiles)]);
  }

  const middles = run => run.series[0].counts.map((_, slot) => (slot + 0.5) * run.slotMillis / 1000);

  /** How many seconds of a slot the run covers: the last is shorter. */
  const seconds = (run, slot) => Math.min(run.slotMillis, run.millis - slot * run.slotMillis) / 1000;

  function drawHeat() {
    const [run, series] = heatChoices[byId('heat-of').value] || heatChoices[0] || [];
    if (!series) return;
    const cells = series.heat;
    let low = Infinity, high = -Infinity, most = 1;
    for (let i = 0; i < cells.length; i += 3) {
      low = Math.min(low, cells[i + 1]);
      high = Math.max(high, cells[i + 1] + 1);
      most = Math.max(most, cells[i + 2]);
    }
    const rows = data.rowsPerDoubling;
    const marks = [];
    const fine = (high - low) / rows < 7;
    for (let power = 1; power < 1e13; power *= 10) {
      for (const step of fine ? [1, 2, 5] : [1]) {
        const row = Math.log2(power * step) * rows;
        if (row >= low && row <= high) marks.push(row);
      }
    }
    const end = run.millis / 1000;
    draw('heat', {
      scales: {x: {time: false, range: [0, end]}, y: {range: [low, high]}, count: {}},
      axes: [
        axis('time since the start of the run (s)', (u, splits) => splits.map(plain)),
        axis('latency (logarithmic)', (u, splits) => splits.map(row => time(2 ** (row / rows))), {
          splits: () => marks, filter: (u, splits) => splits, size: 72}),
      ],
      series: [{label: 'time (s)', value: (u, x) => plain(x)},
        {label: 'number', scale: 'count', paths: () => null, points: {show: false}, value: (u, v) => plain(v)},
        {label: 'latencies up to', scale: 'count', paths: () => null, points: {show: false}, value: (u, v) => time(v)}],
      legend: {markers: {show: false}},
      hooks: {drawClear: [u => paint(u, run, cells, most, end)]},
    }, [middles(run), series.counts, slotMaxima(series, rows)]);
  }

  function slotMaxima(series, rows) {
    const maxima = series.counts.map(() => null);
    for (let i = 0; i < series.heat.length; i += 3) {
      maxima[series.heat[i]] = Math.max(maxima[series.heat[i]] || 0, 2 ** ((series.heat[i + 1] + 1) / rows));
    }
    return maxima;
  }

  function paint(u, run, cells, most, end) {
    const hue = variable('--heat');
    for (let i = 0; i < cells.length; i += 3) {
      const left = u.valToPos(cells[i] * run.slotMillis / 1000, 'x', true);
      const right = u.valToPos(Math.min(end, (cells[i] + 1) * run.slotMillis / 1000), 'x', true);
      const bottom = u.valToPos(cells[i + 1], 'y', true);
      const top = u.valToPos(cells[i + 1] + 1, 'y', true);
      const strength = 0.12 + 0.88 * Math.log(cells[i + 2]) / Math.max(1, Math.log(most));
      u.ctx.fillStyle = 'rgba(' + hue + ', ' + strength + ')';
      u.ctx.fillRect(Math.round(left), Math.round(top), Math.max(1, Math.round(right) - Math.round(left)),
        Math.max(1, Math.round(bottom) - Math.round(top)));
    }
  }

  function drawThroughput() {
    const inBytes = byId('throughput-in').value === 'bytes';
    const all = chosen(series => (inBytes ? /^bytes (in|out)$/.test(series.name) : series.command));
    const color = colorOf(all);
    const scale = inBytes ? 1e6 : 1;
    const tables = all.map(([run, series]) =>
      [middles(run), series.counts.map((count, slot) => count / scale / seconds(run, slot))]);
    draw('throughput', {
      scales: {x: {time: false, range: [0, Math.max(...data.runs.map(run => run.millis)) / 1000]},
        y: {range: (u, min, max) => [0, (max || 1) * 1.05]}},
      axes: [
        axis('time since the start of the run (s)', (u, splits) => splits.map(plain)),
        axis(inBytes ? 'MB a second' : 'operations a second', (u, splits) => splits.map(plain), {size: 72}),
      ],
      series: [{label: 'time (s)', value: (u, x) => plain(x)},
        ...all.map(([run, series]) => line(run, series, color(series), plain))],
    }, tables.length > 0 ? uPlot.join(tables) : [[0]]);
  }

  // ---- what is chosen

  let heatChoices = [];

  function option(select, value, text) {
    const made = document.createElement('option');
    made.value = value;
    made.textContent = text;
    select.append(made);
  }

  function fillHeatChoices() {
    const select = byId('heat-of');
    select.textContent = '';
    heatChoices = chosen(series => series.heat);
    heatChoices.forEach(([run, series], i) => option(select, i, label(run, series)));
  }

  function drawAll() {
    drawPercentiles();
    drawHeat();
    drawThroughput();
  }

  const volumes = new Set(data.runs.flatMap(run => run.series.map(series => series.volume)));
  volumes.forEach(volume => option(byId('volume'), volume, volume || '(no name)'));
  byId('volume').onchange = () => { fillHeatChoices(); drawAll(); };
  byId('part').onchange = drawPercentiles;
  byId('log-latency').onchange = drawPercentiles;
  byId('heat-of').onchange = drawHeat;
  byId('throughput-in').onchange = drawThroughput;
  byId('controls').hidden = false;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  let drawnAt = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth !== drawnAt) {
      drawnAt = document.body.clientWidth;
      requestAnimationFrame(drawAll);
    }
  }).observe(document.body);
  fillHeatChoices();
  drawAll();
  document.documentElement.dataset.drawn = Object.keys(plots).length;
})();
