/* global uPlot */
/** The charts: what each shows, how it is drawn, and what it says to whoever cannot see it. */
const mebibyte = 1024 * 1024;
const scaled = (values, by) => values.map((value) => (value === null ? null : value / by));

/** What is shown of `history`, each with the unit of its axis. */
const charts = [
  {
    title: "Requests and errors a minute",
    unit: "",
    series: (history) => [
      ["requests", history.requests],
      ["errors", history.errors],
    ],
  },
  {
    title: "Time to answer",
    unit: "ms",
    series: (history) => [
      ["half of them", history.p50_ms],
      ["95 %", history.p95_ms],
      ["99 %", history.p99_ms],
    ],
  },
  {
    title: "Memory",
    unit: "MiB",
    series: (history) => [["memory", scaled(history.memory_bytes, mebibyte)]],
  },
  {
    title: "Processor",
    unit: "%",
    series: (history) => [["of one core", scaled(history.cpu, 0.01)]],
  },
  {
    title: "How late the event loop was",
    unit: "ms",
    series: (history) => [["99 %", history.event_loop_delay_ms]],
  },
  {
    title: "Open connections",
    unit: "",
    series: (history) => [["connections", history.connections]],
  },
];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** Draws every chart anew: colours and widths may have changed. @param {Element} place @param {object} history */
// oxlint-disable-next-line no-unused-vars -- called by monitor.js
function drawCharts(place, history) {
  place.replaceChildren();
  const times = history.at.map((at) => Date.parse(at) / 1000);
  for (const { title, unit, series } of charts) {
    const figure = place.appendChild(document.createElement("figure"));
    const caption = figure.appendChild(document.createElement("figcaption"));
    const lines = series(history);
    const heading = document.createElement("strong");
    heading.textContent = title;
    caption.append(heading, lines.map((line) => summary(line, unit)).join("; "));
    const canvas = figure.appendChild(document.createElement("div"));
    canvas.setAttribute("aria-hidden", "true");
    if (times.length < 2) {
      canvas.textContent = "The first minutes are still to come.";
      canvas.className = "empty";
      continue;
    }
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 } };
    const options = {
      width: Math.max(200, figure.clientWidth - 26),
      height: 190,
      cursor: { drag: { x: false, y: false } },
      axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => short.format(tick)) }],
      scales: { y: { range: (_, low, high) => [0, Math.max(1, (high ?? 1) * 1.1)] } },
      series: [
        { label: "at" },
        ...lines.map(([label], i) => ({
          label,
          stroke: colour(`--series-${i + 1}`),
          width: 1.5,
          value: (_, value) => (value === null ? "–" : `${short.format(value)} ${unit}`),
        })),
      ],
    };
    const plot = new uPlot(options, [times, ...lines.map(([, values]) => values)]);
    canvas.append(plot.root);
  }
}

/** One line in words, for whoever does not see the chart. */
function summary([label, values], unit) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return `${label}: nothing yet`;
  const last = values.at(-1);
  const said = (value) => (value === null ? "nothing" : `${short.format(value)} ${unit}`.trim());
  return `${label}: ${said(last)} now, at most ${said(Math.max(...known))}`;
}
