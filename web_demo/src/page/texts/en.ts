/** Every word of the page in English; ko.ts holds the same keys, which the compiler checks. */
export const en = {
  language: "English",
  locale: "en",
  title: "hanji: models that answer on this device",
  skip: "Skip to content",
  tagline: "Small models that answer right here, in this browser.",
  footer: "Nothing that you pick, draw or photograph leaves this browser. There is no server to send it to.",
  nav: { label: "Views", recommend: "Recommend", classify: "Classify", engine: "Engine room" },
  languageLabel: "Language",
  close: "Close",
  working: "Working…",
  percent: (share: number) => `${percentOf(share)} %`,
  bytes: (bytes: number) => sizeOf(bytes, "en"),
  milliseconds: (ms: number) => `${timeOf(ms)} ms`,
  date: (iso: string) => new Date(iso).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" }),

  model: {
    label: "Model",
    opening: (percent: number) => `Fetching and checking the model: ${percent} %`,
    absentTitle: "No model for this view",
    absent: "This page was built without a bundle for it. Add one: make web BUNDLE=out/mine/bundle.",
    refusedTitle: "This model was not used",
    refused:
      "What arrived is not what its checksums promise, or cannot be run here, so no engine has seen it. " +
      "Reload the page; if that does not help, the files on the server are damaged or were mixed up.",
    detail: "What was found",
    retry: "Try again",
    renewed: "A new model was fetched, checked and tested; it answers from now on.",
    refusedUpdate:
      "A new model was found but not taken, because it failed its checks. The one before it stays.",
    shellReady: "A new version of this page is ready.",
    reload: "Reload",
    listFailed: "The list of models could not be read. Is the page's server there? Reload to try again.",
    synthetic: "Trained on made-up data: the titles do not exist.",
  },

  recommend: {
    heading: "What do you like?",
    lead: "Pick a few titles. Ten more come at once, each with its reason.",
    search: "Search titles",
    placeholder: "Type a title…",
    searchHelp: "Arrow keys move through the list, Enter picks, Escape closes.",
    found: (count: number) => (count === 1 ? "1 title found" : `${count} titles found`),
    nothingFound: "No title like this",
    picked: "You like",
    nothingPicked: "Nothing picked yet.",
    suggestions: "Start with something popular",
    remove: (title: string) => `Remove ${title}`,
    added: (title: string) => `${title} added`,
    removed: (title: string) => `${title} removed`,
    results: "Ten for you",
    resultsCount: (count: number) => (count === 10 ? "Ten for you" : `${count} for you`),
    emptyTitle: "Your ten will be here",
    empty: "Search for a title you know, or tap a popular one.",
    like: "Like",
    likeTitle: (title: string) => `Like ${title}`,
    because: (titles: readonly string[]) => `Because you liked ${titles.join(" and ")}.`,
    noReason: "Close to what you like as a whole; no single title stands out.",
    whyMissing: "This engine cannot name reasons. TF.js can: choose it in the engine room.",
    popularity: "None of your picks is known to this model, so these are the most popular.",
    announce: (count: number, picks: number) =>
      `${count} recommendations for ${picks === 1 ? "one title" : `${picks} titles`}`,
    user: "Your user number",
    userHelp: "This model knows its users by number; it takes no history and cannot say why.",
    ask: "Recommend",
    spread: "Spread the genres",
    spreadHelp: "More different kinds, a little further from your taste",
  },

  history: {
    button: (count: number) => `History (${count})`,
    title: "Your history",
    lead: "These picks are kept in this browser only, so that they are there when you come back.",
    volatile: "This browser keeps nothing here (a private window?): picks are gone when the page closes.",
    empty: "There is nothing in it.",
    exportIt: "Export as JSON",
    erase: "Delete all",
    confirm: "Really delete all?",
    erased: "Your history was deleted.",
    exported: "Your history was saved as a file.",
    when: "Picked",
    what: "Title",
  },

  classify: {
    heading: "What is this?",
    lead: "Draw, choose a picture, or use the camera.",
    sources: "Where the picture comes from",
    draw: "Draw",
    picture: "Picture",
    camera: "Camera",
    board: "Drawing board",
    boardHelp:
      "Draw with a finger, pen or mouse. With the keyboard: arrows move, Space lowers and lifts the pen.",
    hint: "Draw here",
    undo: "Undo",
    clear: "Clear",
    penDown: "Pen down",
    penUp: "Pen up",
    cleared: "The board is empty.",
    choose: "Choose a picture…",
    drop: "Drop a picture here, paste one, or",
    dropped: (name: string) => `Your picture: ${name}`,
    invert: "Dark on light: turn light and dark around",
    startCamera: "Start the camera",
    stopCamera: "Stop",
    takePicture: "Take the picture",
    cameraHelp: "The camera starts only when you press the button. Its picture stays on this device.",
    cameraView: "What the camera sees",
    cameraPicture: "Picture from the camera",
    cameraRefused:
      "The camera was not allowed. Allow it in the browser's settings for this page, or choose a picture.",
    cameraMissing: "No camera was found. Choose a picture instead.",
    cameraFailed: "The camera could not be started. Is another program using it?",
    notAPicture: (name: string) => `${name} could not be read as a picture. Choose a PNG, JPEG or WebP file.`,
    seen: "As the model sees it",
    seenLabel: (width: number, height: number) =>
      `The picture as the model sees it, ${width} by ${height} pixels`,
    examples: "Examples from the bundle",
    example: (label: string) => `Example: ${label}`,
    results: "It could be",
    nothing: "Nothing to look at yet.",
    announce: (name: string, share: number) => `Most probably ${name}, ${percentOf(share)} percent`,
  },

  engine: {
    heading: "Engine room",
    lead: "What was fetched, how it was checked, and who answers how quickly.",
    answers: "Who answers",
    engine: "Engine",
    engines: {
      "tfjs-wasm": "TF.js, WebAssembly",
      "tfjs-webgl": "TF.js, WebGL",
      "tfjs-cpu": "TF.js, plain JavaScript",
      "litert-wasm": "LiteRT.js",
    },
    engineHelp:
      "LiteRT.js runs the very .tflite of a phone; it is fetched (about 3 MB) only when you choose it here.",
    version: "Version",
    backend: "Backend",
    threads: "Threads",
    format: "Artifact",
    parameters: "Parameters",
    parametersOf: (own: string, full: string) => `${own} of the full model's ${full}`,
    downloaded: "What was fetched and verified",
    downloadedLead: (files: number, size: string) =>
      `${files} files, ${size}. Every size and SHA-256 was checked before an engine saw a byte.`,
    file: "File",
    size: "Size",
    checksum: "SHA-256",
    state: "State",
    verified: "Verified",
    fetchTime: "Time to fetch",
    verifyTime: "Time to verify",
    openTime: "Time to load",
    fromHere: "Read from this browser's own store, not from the network.",
    fromNetwork: "Read from the network.",
    selfTest: "Self-test",
    selfTestLead: "Replays the answers that were recorded at export and compares them.",
    runSelfTest: "Run the self-test",
    passed: (cases: number) => `Passed: all ${cases} recorded answers are the same here.`,
    failed: "Failed. Do not trust its answers; reload the page or choose another engine.",
    error: "Largest difference",
    tolerance: "Allowed",
    latency: "Latency",
    latencyLead: "The same question again and again, in the worker: inputs, model, ranking.",
    measure: (runs: number) => `Measure ${runs} runs`,
    median: "p50 (half are quicker)",
    p90: "p90",
    p99: "p99",
    engineOnly: "p50 of the engine alone",
    engineCompare: "Engines side by side",
    engineCompareLead: "Opens the same bundle in each engine, one after another, and asks the same question.",
    compareRun: "Compare the engines",
    same: "Same answer",
    sameTop: (same: number, all: number) => `${same} of ${all}`,
    unavailable: "Not available here",
    loadTime: "Load",
    fullCompare: "Full against compressed",
    fullCompareLead:
      "The model as trained and the one that ships, both in the same engine, on the same input.",
    fullAbsent:
      "The full model is not part of this page. bundles.mjs adds it where hanji build left it (out/…/full).",
    fullRun: "Compare with the full model",
    full: "Full",
    compressed: "Compressed",
    smaller: (times: string) => `${times} times smaller`,
    inCommon: (same: number, all: number) => `${same} of ${all} answers in common`,
    input: "Input",
    inputHistory: (count: number) => `your ${count} picks`,
    inputExample: "an example from the bundle",
    inputDrawing: "your picture",
    offline: "Offline",
    offlineReady: "Works without a network: page, engine and models are kept in this browser.",
    offlineNotYet: "Not ready for offline use yet; this takes a moment after the first visit.",
    offlineNever:
      "This browser has no service worker here (it wants https or localhost): the page needs its server.",
    kept: "Kept version",
    keptSince: "In use since",
    keptNone: "None yet",
    check: "Look for a new model",
    isCurrent: "The newest model is in use.",
    unreachable: "The server could not be reached. The kept model goes on answering.",
    refusedVersion: (hash: string) => `Version ${hash} was refused; the kept one goes on answering.`,
  },
};

/** A share in [0, 1] as whole percent, but never 0 or 100 where it is neither. */
export function percentOf(share: number): string {
  if (share > 0 && share < 0.005) return "<1";
  if (share < 1 && share >= 0.995) return ">99";
  return String(Math.round(share * 100));
}

/** Milliseconds with as many digits as say something. */
export function timeOf(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : String(Math.round(ms));
}

/** Bytes below a thousand as they are, else in kB or MB (powers of ten). */
export function sizeOf(bytes: number, locale: string): string {
  const digits = { maximumFractionDigits: 1 };
  if (bytes < 1000) return `${bytes.toLocaleString(locale)} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toLocaleString(locale, digits)} kB`;
  return `${(bytes / 1e6).toLocaleString(locale, digits)} MB`;
}

export type Texts = typeof en;
