import { messageOf } from "../../hanji/errors.ts";
import { canRun, ENGINES, type EngineKey } from "../bundles/engines.ts";
import { el } from "../dom.ts";
import { Bars } from "../classify/bars.ts";
import type { Texts } from "../texts/index.ts";
import type { Measurement, Subject } from "./subject.ts";
import { card, facts, table, task } from "./widgets.ts";

const RUNS = 50;
const KEYS = Object.keys(ENGINES) as EngineKey[];

type Outcome = { engine: EngineKey } & ({ measurement: Measurement } | { error: string });

/**
 * Runs the same bundle and input on every engine, one after another so that they do not disturb each other.
 */
export function enginesCard(subject: Subject, texts: Texts): HTMLElement {
  const words = texts.engine;
  const work = async (show: (node: Node) => void): Promise<Node> => {
    const outcomes: Outcome[] = [];
    for (const engine of KEYS) {
      outcomes.push(await outcomeOf(subject, engine));
      show(enginesTable(outcomes, subject, texts));
    }
    return enginesTable(outcomes, subject, texts);
  };
  return card(
    "engines",
    words.engineCompare,
    words.engineCompareLead,
    task(words.compareRun, texts, work, { id: "compare-engines" }),
  );
}

async function outcomeOf(subject: Subject, engine: EngineKey): Promise<Outcome> {
  try {
    return { engine, measurement: await subject.measure(engine, RUNS) };
  } catch (error) {
    return { engine, error: messageOf(error) };
  }
}

function enginesTable(outcomes: readonly Outcome[], subject: Subject, texts: Texts): HTMLElement {
  const words = texts.engine;
  const first = outcomes.find((outcome) => "measurement" in outcome);
  const best = first && "measurement" in first ? first.measurement.names : [];
  const rows = outcomes.map((outcome) => {
    const name = words.engines[outcome.engine];
    if ("error" in outcome) {
      return [name, el("span", { title: outcome.error }, words.unavailable), "–", "–", "–"];
    }
    const { latency, loadMs, names } = outcome.measurement;
    const ms = texts.milliseconds;
    return [
      name,
      ms(loadMs),
      ms(latency.p50Ms),
      ms(latency.p90Ms),
      words.sameTop(inCommon(names, best), best.length),
    ];
  });
  const head = [words.engine, words.loadTime, "p50", "p90", words.same];
  return el(
    "div",
    {},
    el("p", { class: "quiet-text" }, `${words.input}: ${subject.inputText()}`),
    table(words.engineCompare, head, rows),
  );
}

/** Compares the full model with the compressed one on the same engine. */
export function fullCard(subject: Subject, texts: Texts): HTMLElement {
  const words = texts.engine;
  const { full } = subject;
  if (!full)
    return card(
      "full",
      words.fullCompare,
      words.fullCompareLead,
      el("p", { class: "notice" }, words.fullAbsent),
    );
  // The full model may have fewer artifacts, often only a .tflite file.
  const engine: EngineKey = canRun(full, "tfjs-wasm") ? "tfjs-wasm" : "litert-wasm";
  const work = async (): Promise<Node> => {
    const compressed = await subject.measure(engine, RUNS);
    return sideBySide(await subject.measure(engine, RUNS, full), compressed, subject, engine, texts);
  };
  return card(
    "full",
    words.fullCompare,
    words.fullCompareLead,
    task(words.fullRun, texts, work, { id: "compare-full" }),
  );
}

function sideBySide(
  full: Measurement,
  compressed: Measurement,
  subject: Subject,
  engine: EngineKey,
  texts: Texts,
): HTMLElement {
  const words = texts.engine;
  const common = inCommon(full.names, compressed.names);
  const summary = facts([
    [words.input, subject.inputText()],
    [words.engine, words.engines[engine]],
    [words.size, words.smaller((full.modelBytes / compressed.modelBytes).toFixed(1))],
    [words.same, words.inCommon(common, full.names.length)],
  ]);
  const columns = [
    column(words.full, full, texts),
    column(words.compressed, compressed, texts),
  ];
  return el("div", {}, summary, el("div", { class: "pair" }, ...columns));
}

function column(title: string, measurement: Measurement, texts: Texts): HTMLElement {
  const { latency, loadMs, modelBytes, names, entries } = measurement;
  const words = texts.engine;
  const bars = new Bars();
  if (entries) bars.show(entries);
  const list = entries
    ? bars.element
    : el("ol", { class: "plain" }, ...names.map((name) => el("li", {}, name)));
  return el(
    "section",
    { class: "side" },
    el("h3", {}, title),
    facts([
      [words.size, texts.bytes(modelBytes)],
      [words.loadTime, texts.milliseconds(loadMs)],
      ["p50", texts.milliseconds(latency.p50Ms)],
    ]),
    list,
  );
}

/** The number of `names` that are also in `others`. */
function inCommon(names: readonly string[], others: readonly string[]): number {
  return names.filter((name) => others.includes(name)).length;
}
