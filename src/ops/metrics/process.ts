import { Gauge, type Registry } from "./prom-client";
import heap from "prom-client/lib/metrics/heapSizeAndUsed";
import ownMemory from "prom-client/lib/metrics/osMemoryHeap";
import cpu from "prom-client/lib/metrics/processCpuTotal";
import maxFiles from "prom-client/lib/metrics/processMaxFileDescriptors";
import openFiles from "prom-client/lib/metrics/processOpenFileDescriptors";
import startTime from "prom-client/lib/metrics/processStartTime";
import { commit, version } from "../../build";
import { now, second } from "../../clock";
import { gauge, gauges } from "./gauge";
import { Histogram, type Series } from "./histogram";

/**
 * The process's own figures. Of prom-client's defaults, these tell the truth under Bun; the others are always zero there
 * (handles, requests, heap spaces, garbage collection), call it Node, or keep a timer for good (event-loop lag).
 */
export function processMetrics(registry: Registry): void {
  for (const collect of [cpu, startTime, ownMemory, openFiles, maxFiles, heap]) collect(registry);
  // Address space that JavaScriptCore reserves, gigabytes of it, and no heap.
  registry.removeSingleMetric("process_heap_bytes");
  const startedAt = now();
  const uptime = () => (now() - startedAt) / second;
  gauge(registry, "neocrm_uptime_seconds", "Time since the server started.", uptime);
  const memory = { name: "neocrm_memory_bytes", help: "Memory that there is for the server.", label: "part" };
  gauges(registry, memory, memoryParts);
  new Gauge({
    name: "neocrm_build_info",
    help: "The build that runs; always 1.",
    labelNames: ["version", "commit", "bun"],
    registers: [registry],
  }).set({ version, commit: commit ?? "source", bun: Bun.version }, 1);
}

/** Of the machine, or of the container where that is less: there, nobody else needs any. */
function memoryParts() {
  const size = process.constrainedMemory();
  return { free: Math.min(process.availableMemory(), size - process.memoryUsage.rss()), size };
}

/** Milliseconds between two looks at the clock. */
const tick = 50;

/** Watches how late the event loop comes to a timer: what a request that arrives then waits. */
export function watchEventLoop(registry: Registry): { delay: Series; stop(): void } {
  const delay = new Histogram(registry, {
    name: "neocrm_event_loop_delay_seconds",
    help: `How late timers ran, looked at every ${tick} ms.`,
    labelNames: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  }).series({});
  let due = performance.now() + tick;
  const timer = setInterval(() => {
    const time = performance.now();
    delay.observe(Math.max(0, time - due) / second);
    due = time + tick;
  }, tick);
  timer.unref();
  return { delay, stop: () => clearInterval(timer) };
}
