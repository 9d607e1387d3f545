import type { SelfTest } from "../../hanji/types.ts";
import type { Ready, Remote } from "../bundles/model.ts";
import { shortHash, STORED_PATH } from "../bundles/version_cache.ts";
import { canRun, ENGINES, rememberEngine, type EngineKey } from "../bundles/engines.ts";
import { el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import type { Subject } from "./subject.ts";
import { card, facts, problem, table, task } from "./widgets.ts";

const RUNS = 200;

/** The engine in use, and the selection of another one. */
export function engineCard(subject: Subject, ready: Ready<Remote>, texts: Texts): HTMLElement {
  const words = texts.engine;
  const { placement, manifest } = ready.remote;
  const { parameters, full_parameters: full } = manifest.model;
  const artifact = manifest.artifacts.find(
    ({ format }) => format === (placement.engine === "tfjs" ? "tfjs" : "tflite"),
  );
  const number = (count: number): string => count.toLocaleString(texts.locale);
  return card(
    "answers",
    words.inferenceEngine,
    null,
    engineSelect(subject, ready.engine, texts),
    facts([
      [words.engine, words.engines[ready.engine]],
      [words.version, placement.version],
      [words.backend, placement.backend],
      [words.threads, String(placement.threads)],
      [words.format, artifact ? `${artifact.format}, ${artifact.precision}` : "–"],
      [words.parameters, words.parametersOf(number(parameters), number(full))],
    ]),
  );
}

function engineSelect(subject: Subject, current: EngineKey, texts: Texts): HTMLElement {
  const words = texts.engine;
  const outcome = el("div", { role: "status" });
  const options = (Object.keys(ENGINES) as EngineKey[])
    .filter((key) => canRun(subject.model.entry, key))
    .map((key) => el("option", { value: key, selected: key === current }, words.engines[key]));
  const select: HTMLSelectElement = el(
    "select",
    {
      id: "engine-select",
      "aria-describedby": "engine-help",
      onchange: () => void choose(select.value as EngineKey),
    },
    ...options,
  );
  const choose = async (key: EngineKey): Promise<void> => {
    outcome.textContent = texts.working;
    select.disabled = true;
    try {
      await subject.model.reopen(key);
      rememberEngine(key);
    } catch (error) {
      // The previous engine stays in use.
      select.value = current;
      select.disabled = false;
      outcome.replaceChildren(problem(error));
    }
  };
  return el(
    "div",
    { class: "choice" },
    el("label", { for: "engine-select", class: "label" }, words.engine),
    select,
    el("p", { class: "quiet-text", id: "engine-help" }, words.engineHelp),
    outcome,
  );
}

/** The downloaded files with sizes and hashes, and the time it took. */
export function filesCard(ready: Ready<Remote>, texts: Texts): HTMLElement {
  const words = texts.engine;
  const { files, downloadedBytes, milliseconds } = ready.remote.opening;
  const rows = files.map(({ path, bytes, sha256 }) => [
    path,
    texts.bytes(bytes),
    el("code", { title: sha256 }, shortHash(sha256)),
    el("span", { class: "good" }, `✓ ${words.verified}`),
  ]);
  const ms = texts.milliseconds;
  return card(
    "files",
    words.downloaded,
    words.downloadedLead(files.length, texts.bytes(downloadedBytes)),
    table(words.downloaded, [words.file, words.size, words.checksum, words.state], rows),
    facts([
      [words.fetchTime, ms(milliseconds.download)],
      [words.verifyTime, ms(milliseconds.verify)],
      [words.openTime, ms(milliseconds.load)],
    ]),
    el("p", { class: "quiet-text" }, ready.url.startsWith(STORED_PATH) ? words.fromHere : words.fromNetwork),
  );
}

/** Runs the self-test. */
export function selfTestCard(ready: Ready<Remote>, texts: Texts): HTMLElement {
  const words = texts.engine;
  const work = async (): Promise<Node> => selfTestResult(await ready.remote.selfTest(), texts);
  return card(
    "self-test",
    words.selfTest,
    words.selfTestLead,
    task(words.runSelfTest, texts, work, { id: "run-self-test" }),
  );
}

function selfTestResult(
  { passed, cases, maxAbsError, tolerance, detail }: SelfTest,
  texts: Texts,
): HTMLElement {
  const words = texts.engine;
  return el(
    "div",
    {},
    el("p", { class: passed ? "notice good" : "notice bad" }, passed ? words.passed(cases) : words.failed),
    facts([
      [words.error, maxAbsError.toExponential(1)],
      [words.tolerance, tolerance.toExponential(1)],
    ]),
    passed ? null : el("p", { class: "quiet-text", lang: "en" }, detail),
  );
}

/** Latency percentiles of the open model. */
export function latencyCard(subject: Subject, texts: Texts): HTMLElement {
  const words = texts.engine;
  const work = async (): Promise<Node> => {
    const { p50Ms, p90Ms, p99Ms, engineP50Ms } = await subject.latency(RUNS);
    const ms = texts.milliseconds;
    return facts([
      [words.median, ms(p50Ms)],
      [words.p90, ms(p90Ms)],
      [words.p99, ms(p99Ms)],
      [words.engineOnly, ms(engineP50Ms)],
      [words.input, subject.inputText()],
    ]);
  };
  return card(
    "latency",
    words.latency,
    words.latencyLead,
    task(words.measure(RUNS), texts, work, { id: "measure" }),
  );
}
