/** The English texts of the page; the compiler checks that ko.ts has the same keys. */
export const en = {
  language: "English",
  locale: "en",
  title: "hanji: models that run on this device",
  skip: "Skip to content",
  tagline: "Small models that run in this browser.",
  footer: "Your picks, drawings and photos never leave this browser; there is no server that receives them.",
  nav: { label: "Views", recommend: "Recommend", classify: "Classify", engine: "Diagnostics" },
  languageLabel: "Language",
  close: "Close",
  working: "Working…",
  percent: (share: number) => `${percentOf(share)} %`,
  value: (value: number, unit: string) => valueOf(value, unit, "en"),
  bytes: (bytes: number) => sizeOf(bytes, "en"),
  milliseconds: (ms: number) => `${timeOf(ms)} ms`,
  date: (iso: string) => new Date(iso).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" }),

  model: {
    label: "Model",
    opening: (percent: number) => `Downloading and verifying the model: ${percent} %`,
    absentTitle: "No model for this view",
    absent: "This page was built without a bundle for it. Add one: make web BUNDLE=out/mine/bundle.",
    refusedTitle: "This model was not used",
    refused:
      "The downloaded files do not match their checksums or cannot run in this browser, so the model was " +
      "not loaded. Reload the page; if that does not help, the files on the server are damaged.",
    detail: "Details",
    retry: "Try again",
    updated: "A new model was downloaded, verified and tested, and is now in use.",
    refusedUpdate: "A new model was found but failed its checks; the previous one stays in use.",
    shellReady: "A new version of this page is ready.",
    reload: "Reload",
    listFailed:
      "The list of models could not be loaded. Check that the server is running, then reload the page.",
    synthetic: "Trained on synthetic data: the titles are not real.",
  },

  recommend: {
    heading: "What do you like?",
    lead: "Pick a few titles to get ten recommendations, each with a reason.",
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
    emptyTitle: "Your recommendations will appear here",
    empty: "Search for a title you know, or tap a popular one.",
    like: "Like",
    likeTitle: (title: string) => `Like ${title}`,
    because: (titles: readonly string[]) => `Because you liked ${titles.join(" and ")}.`,
    noReason: "Close to what you like as a whole; no single title stands out.",
    whyMissing: "This engine cannot explain recommendations. Select TF.js under Diagnostics to see reasons.",
    popularity: "None of your picks is known to this model, so these are the most popular.",
    announce: (count: number, picks: number) =>
      `${count} recommendations for ${picks === 1 ? "one title" : `${picks} titles`}`,
    user: "Your user number",
    userHelp:
      "This model identifies users by number; it takes no history and cannot explain its recommendations.",
    ask: "Recommend",
    diversify: "More variety",
    diversifyHelp: "More diverse genres, slightly less similar to your picks",
  },

  history: {
    button: (count: number) => `History (${count})`,
    title: "Your history",
    lead: "These picks are stored in this browser only, so that they are still there when you come back.",
    volatile:
      "This browser does not store data here (a private window?); picks are lost when the page is closed.",
    empty: "Your history is empty.",
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
    invert: "Dark on light: invert the image",
    startCamera: "Start the camera",
    stopCamera: "Stop",
    takePhoto: "Take a photo",
    cameraHelp: "The camera starts only when you press the button. The photo stays on this device.",
    cameraView: "What the camera sees",
    cameraImage: "Photo from the camera",
    cameraRefused:
      "Camera access was denied. Allow it in the browser's settings for this page, or choose a picture.",
    cameraMissing: "No camera was found. Choose a picture instead.",
    cameraFailed: "The camera could not be started. Is another program using it?",
    notAnImage: (name: string) => `${name} could not be read as a picture. Choose a PNG, JPEG or WebP file.`,
    seen: "As the model sees it",
    seenLabel: (width: number, height: number) =>
      `The picture as the model sees it, ${width} by ${height} pixels`,
    examples: "Examples from the bundle",
    example: (label: string) => `Example: ${label}`,
    results: "It could be",
    estimates: "Estimates",
    nothing: "Nothing to classify yet.",
    none: "None of the labels that the model knows.",
    announce: (name: string, share: number) => `Most probably ${name}, ${percentOf(share)} percent`,
  },

  engine: {
    heading: "Diagnostics",
    lead: "Downloaded files, integrity checks, the inference engine and its latency.",
    inferenceEngine: "Inference engine",
    engine: "Engine",
    engines: {
      "tfjs-wasm": "TF.js, WebAssembly",
      "tfjs-webgl": "TF.js, WebGL",
      "tfjs-cpu": "TF.js, plain JavaScript",
      "litert-wasm": "LiteRT.js",
    },
    engineHelp:
      "LiteRT.js runs the same .tflite file as a phone. It is downloaded (about 3 MB) only when selected.",
    version: "Version",
    backend: "Backend",
    threads: "Threads",
    format: "Artifact",
    parameters: "Parameters",
    parametersOf: (compressed: string, full: string) => `${compressed} (full model: ${full})`,
    downloaded: "Downloaded and verified files",
    downloadedLead: (files: number, size: string) =>
      `${files} files, ${size}. All sizes and SHA-256 hashes were verified before the model was loaded.`,
    file: "File",
    size: "Size",
    checksum: "SHA-256",
    state: "Status",
    verified: "Verified",
    fetchTime: "Download time",
    verifyTime: "Verification time",
    openTime: "Load time",
    fromHere: "Read from this browser's storage, not from the network.",
    fromNetwork: "Read from the network.",
    selfTest: "Self-test",
    selfTestLead: "Compares the outputs with those recorded at export.",
    runSelfTest: "Run the self-test",
    passed: (cases: number) => `Passed: all ${cases} recorded outputs match.`,
    failed: "Failed. The outputs of this model are not reliable; reload the page or select another engine.",
    error: "Largest difference",
    tolerance: "Tolerance",
    latency: "Latency",
    latencyLead: "Repeats the same request in the worker: input preparation, model, ranking.",
    measure: (runs: number) => `Measure ${runs} runs`,
    median: "p50 (median)",
    p90: "p90",
    p99: "p99",
    engineOnly: "p50 of the engine alone",
    engineCompare: "Engines side by side",
    engineCompareLead: "Runs the same bundle with the same input on each engine, one after another.",
    compareRun: "Compare the engines",
    same: "Agreement",
    sameTop: (same: number, all: number) => `${same} of ${all}`,
    unavailable: "Not available here",
    loadTime: "Load",
    fullCompare: "Full and compressed model",
    fullCompareLead: "The model as trained and after compression, with the same engine and input.",
    fullAbsent:
      "The full model is not part of this page. bundles.mjs adds it if hanji build wrote it (out/…/full).",
    fullRun: "Compare with the full model",
    full: "Full",
    compressed: "Compressed",
    smaller: (times: string) => `${times} times smaller`,
    inCommon: (same: number, all: number) => `${same} of ${all} results in common`,
    input: "Input",
    inputHistory: (count: number) => `your ${count} picks`,
    inputExample: "an example from the bundle",
    inputDrawing: "your picture",
    offline: "Offline",
    offlineReady: "Works offline: page, engine and models are stored in this browser.",
    offlineNotYet: "Not ready for offline use yet; this takes a moment after the first visit.",
    offlineNever: "Not available: a service worker needs https or localhost. The page needs its server.",
    stored: "Stored version",
    storedSince: "In use since",
    storedNone: "None yet",
    check: "Check for a new model",
    isCurrent: "The newest model is in use.",
    unreachable: "The server could not be reached. The stored model stays in use.",
    refusedVersion: (hash: string) => `Version ${hash} was rejected; the stored one stays in use.`,
  },
};

/** A share in [0, 1] as an integer percentage; values close to 0 and 1 are shown as <1 and >99. */
/** A number with its unit, to four digits. */
export function valueOf(value: number, unit: string, locale: string): string {
  return `${value.toLocaleString(locale, { maximumSignificantDigits: 4 })} ${unit}`.trimEnd();
}

export function percentOf(share: number): string {
  if (share > 0 && share < 0.005) return "<1";
  if (share < 1 && share >= 0.995) return ">99";
  return String(Math.round(share * 100));
}

/** Milliseconds with about three significant digits. */
export function timeOf(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : String(Math.round(ms));
}

/** A size in bytes, kB or MB (powers of ten). */
export function sizeOf(bytes: number, locale: string): string {
  const digits = { maximumFractionDigits: 1 };
  if (bytes < 1000) return `${bytes.toLocaleString(locale)} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toLocaleString(locale, digits)} kB`;
  return `${(bytes / 1e6).toLocaleString(locale, digits)} MB`;
}

export type Texts = typeof en;
