(() => {
  'use strict';
  const POINTS_MAX = 300;
  const PERIOD_MILLIS = 1000;
  const {COLORS, short, time, plain, width} = charts;
  const byId = id => document.getElementById(id);
  const history = new Map();
  const plots = {};
  let paused = false;

  // ---- numbers as people read them

  function size(bytes) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
    let unit = 0;
    for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
    return short(bytes) + ' ' + units[unit];
  }

  const megabytes = rate => short(rate / 1e6);

  // ---- the table

  /** What is in a row: where it is in the document, and how it is written. */
  const COLUMNS = [
    ['volume', v => v.name, String, 'word'],
    ['state', v => v.state, String, 'word'],
    ['clients', v => v.connections, plain],
    ['IOPS', v => v.iops, plain],
    ['read MB/s', v => v.read_bytes_per_second, megabytes],
    ['write MB/s', v => v.written_bytes_per_second, megabytes],
    ...['read', 'write'].flatMap(command => ['p50', 'p99', 'p99.9'].map(
      p => [command + ' ' + p, v => v.commands && v.commands[command] && v.commands[command][p + '_ns'], time])),
    ['buffer', v => v.buffer_bytes, size],
    ['window', v => v.commit_window_bytes, size],
    ['epoch', v => v.epoch, String],
  ];

  function row(volume) {
    const tr = document.createElement('tr');
    for (const [what, value, written, kind] of COLUMNS) {
      const td = document.createElement('td');
      const number = value(volume);
      td.dataset.what = what;
      if (number != null) td.dataset.value = number;
      td.textContent = number == null ? '–' : written(number);
      td.className = kind || '';
      td.classList.toggle('none', number == null);
      if (what === 'state') {
        td.classList.add({serving: 'good', detached: 'idle'}[number] || 'bad');
        if (volume.reason) td.title = volume.reason;
      }
      tr.append(td);
    }
    return tr;
  }

  function showVolumes(volumes) {
    byId('volumes').tBodies[0].replaceChildren(...volumes.map(row));
    const select = byId('volume');
    const names = volumes.map(volume => volume.name);
    if (names.join('\n') !== [...select.options].map(option => option.value).join('\n')) {
      const before = select.value;
      select.replaceChildren(...names.map(name => new Option(name, name)));
      const busy = volumes.find(volume => volume.state !== 'detached') || volumes[0];
      select.value = names.includes(before) ? before : busy ? busy.name : '';
    }
  }

  // ---- the charts

  function remember(documentNow) {
    const second = Date.parse(documentNow.time) / 1000;
    for (const volume of documentNow.volumes) {
      const points = history.get(volume.name) || [];
      history.set(volume.name, points);
      const commands = volume.commands || {};
      const of = (command, what) => (commands[command] ? commands[command][what] : null);
      points.push([second, of('read', 'iops') || 0, of('write', 'iops') || 0,
        (volume.read_bytes_per_second || 0) / 1e6, (volume.written_bytes_per_second || 0) / 1e6,
        of('read', 'p99_ns') && of('read', 'p99_ns') / 1e6, of('write', 'p99_ns') && of('write', 'p99_ns') / 1e6]);
      if (points.length > POINTS_MAX) points.shift();
    }
    for (const name of history.keys()) {
      if (!documentNow.volumes.some(volume => volume.name === name)) history.delete(name);
    }
  }

  function make(id, place, columns) {
    const line = (label, i) => ({label, stroke: COLORS[i], width: 2, dash: i ? [6, 3] : [], points: {show: false},
      value: (u, value) => (value == null ? '–' : plain(value))});
    plots[id] = new uPlot({
      width: width(place), height: 200, padding: [12, 32, 0, 0], legend: charts.legend,
      scales: {x: {range: (u, low, high) => [Math.min(low, high - 60), high]}, y: {range: (u, low, high) => [0, Math.max(1e-3, (high || 0) * 1.1)]}},
      axes: [charts.axis([[1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1]]),
        charts.axis((u, values) => values.map(plain), {size: 60})],
      series: [{label: 'time', value: '{HH}:{mm}:{ss}'}, line('read', 0), line('write', 1)],
    }, columns, place);
    charts.makeLegendReachable(plots[id], place);
  }

  function draw() {
    const points = history.get(byId('volume').value) || [];
    [['iops', 1], ['rate', 3], ['latency', 5]].forEach(([id, first]) => {
      const place = byId(id).querySelector('.plot');
      const columns = [0, first, first + 1].map(column => points.map(point => point[column]));
      if (plots[id]) plots[id].setData(columns);
      else make(id, place, columns);
    });
  }

  // ---- once a second

  function show(text) {
    const documentNow = JSON.parse(text);
    const state = byId('state');
    state.textContent = documentNow.ready ? 'ready' : 'not ready';
    state.className = documentNow.ready ? 'good' : 'bad';
    byId('about').textContent = documentNow.server + ', version ' + documentNow.version + ', ' + documentNow.store
      + ', up ' + documentNow.uptime_seconds + ' s, ' + documentNow.connections
      + (documentNow.connections === 1 ? ' connection' : ' connections');
    byId('obstacles').replaceChildren(...documentNow.obstacles.map(obstacle => {
      const item = document.createElement('li');
      item.textContent = obstacle;
      return item;
    }));
    showVolumes(documentNow.volumes);
    byId('json').textContent = text;
    remember(documentNow);
    draw();
  }

  async function ask() {
    try {
      const response = await fetch('status.json', {signal: AbortSignal.timeout(10000)});
      if (!response.ok) throw new Error('it says ' + response.status);
      show(await response.text());
    } catch (failure) {
      byId('state').textContent = 'the server does not answer: ' + failure.message;
      byId('state').className = 'bad';
    }
  }

  async function watch() {
    if (!paused && !document.hidden) await ask();
    setTimeout(watch, PERIOD_MILLIS);
  }

  byId('volume').addEventListener('change', draw);
  byId('pause').addEventListener('click', () => {
    paused = !paused;
    byId('pause').setAttribute('aria-pressed', String(paused));
    byId('pause').textContent = paused ? 'Go on' : 'Pause';
  });
  addEventListener('resize', () => {
    for (const [id, plot] of Object.entries(plots)) plot.setSize({width: width(byId(id).querySelector('.plot')), height: 200});
  });
  watch();
})();
