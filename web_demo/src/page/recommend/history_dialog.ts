import { announce } from "../announce.ts";
import { button, el, fill } from "../dom.ts";
import type { History, Pick } from "../storage/history.ts";
import type { Texts } from "../texts/index.ts";

/** Shows all stored picks, and lets the user export or delete them. */
export function openHistoryDialog(history: History, texts: Texts): void {
  const words = texts.history;
  const dialog = el("dialog", { class: "dialog", "aria-labelledby": "history-title" });
  const body = el("div", {
    class: "scroll",
    tabindex: "0",
    role: "group",
    "aria-labelledby": "history-title",
  });
  const erase = button(words.erase, () => confirmErase(erase, history, texts), {
    kind: "danger",
    id: "history-erase",
  });
  const save = button(words.exportIt, () => exportHistory(history, texts), { id: "history-export" });
  const unsubscribe = history.picks.subscribe((picks) => {
    fill(body, picks.length > 0 ? table(picks, texts) : el("p", { class: "quiet-text" }, words.empty));
    erase.disabled = picks.length === 0;
    save.disabled = picks.length === 0;
  });
  fill(
    dialog,
    el("h2", { id: "history-title" }, words.title),
    el("p", {}, history.persistent ? words.lead : words.volatile),
    body,
    el(
      "div",
      { class: "buttons" },
      save,
      erase,
      button(texts.close, () => dialog.close(), { kind: "primary" }),
    ),
  );
  dialog.addEventListener("close", () => {
    unsubscribe();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}

function table(picks: readonly Pick[], texts: Texts): HTMLElement {
  const rows = picks.map(({ title, at }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, title),
      el("td", {}, el("time", { datetime: at }, texts.date(at))),
    ),
  );
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, texts.history.what),
    el("th", { scope: "col" }, texts.history.when),
  );
  return el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows));
}

/** The first press asks for confirmation, the second one deletes the history. */
function confirmErase(erase: HTMLButtonElement, history: History, { history: words }: Texts): void {
  if (erase.textContent !== words.confirm) {
    erase.textContent = words.confirm;
    announce(words.confirm);
    return;
  }
  erase.textContent = words.erase;
  void history.erase().then(() => announce(words.erased));
}

function exportHistory(history: History, texts: Texts): void {
  const url = URL.createObjectURL(new Blob([history.exported()], { type: "application/json" }));
  el("a", { href: url, download: "hanji-history.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  announce(texts.history.exported);
}
