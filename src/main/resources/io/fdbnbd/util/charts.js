/** What the pages that have charts share. */
const charts = (() => {
  'use strict';
  const COLORS = ['#2f81d6', '#d9681d', '#1f9d77', '#c65b9b', '#c89400', '#8f6fd1', '#4aa8b8', '#8a8f98'];
  const variable = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // ---- numbers as people read them

  const short = number => String(Number(number.toPrecision(3)));

  function time(value) {
    if (value == null) return '';
    const nanos = Number(value.toPrecision(9)); // a row of a heat map is a power, and not quite whole
    if (nanos >= 1e9) return short(nanos / 1e9) + ' s';
    if (nanos >= 1e6) return short(nanos / 1e6) + ' ms';
    if (nanos >= 1e3) return short(nanos / 1e3) + ' µs';
    return short(nanos) + ' ns';
  }

  function plain(number) {
    if (number == null) return '';
    return number >= 1000 ? Math.round(number).toLocaleString('en') : short(number);
  }

  // ---- plots

  const width = place => Math.max(240, Math.floor(place.clientWidth));

  function axis(values, more) {
    return {
      values, stroke: () => variable('--text'), grid: {stroke: () => variable('--line'), width: 1},
      ticks: {stroke: () => variable('--line'), width: 1}, font: '12px system-ui, sans-serif',
      labelFont: '12px system-ui, sans-serif', ...more,
    };
  }

  /** A curve's mark in the legend is a piece of it: of two runs, the dashes alone tell which is which. */
  const legend = {markers: {width: 0, fill: (u, i) => piece(u.series[i].stroke(u, i), u.series[i].dash || [])}};

  function piece(color, dash) {
    let end = 0;
    const parts = dash.map((length, i) => `${i % 2 ? 'transparent' : color} ${end}px ${end += length}px`);
    return parts.length > 0 ? `repeating-linear-gradient(to right, ${parts.join(', ')})` : color;
  }

  /** Curves are shown and hidden by keys as by the mouse. */
  function makeLegendReachable(plot, place) {
    place.querySelectorAll('.u-series').forEach((row, i) => {
      if (i === 0) return;
      const head = row.querySelector('th');
      head.tabIndex = 0;
      head.setAttribute('role', 'button');
      head.setAttribute('aria-pressed', 'true');
      const tell = () => head.setAttribute('aria-pressed', String(plot.series[i].show));
      head.addEventListener('click', () => requestAnimationFrame(tell));
      head.addEventListener('keydown', event => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        plot.setSeries(i, {show: !plot.series[i].show});
        tell();
      });
    });
  }

  return {COLORS, variable, short, time, plain, width, axis, legend, makeLegendReachable};
})();
