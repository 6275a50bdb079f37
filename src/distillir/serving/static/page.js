"use strict";
// Texts become text nodes, never markup: nothing here writes HTML.
const $ = (id) => document.getElementById(id);
const state = { queryId: null, queryText: "", shown: null, running: null, asked: 0 };

function made(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function marked(text, places) {
  const letters = Array.from(text), parts = [];  // places count code points
  let end = 0;
  for (const [start, stop] of places) {
    parts.push(letters.slice(end, start).join(""), made("mark", {}, letters.slice(start, stop).join("")));
    end = stop;
  }
  parts.push(letters.slice(end).join(""));
  return parts.filter((part) => part !== "");
}

async function call(path, body, signal) {
  const options = body === undefined ? { signal } : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
  };
  let answer, told;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer: is it still running?");
  }
  try {
    told = await answer.json();
  } catch {
    throw new Error(`The server answered with ${answer.status}.`);
  }
  if (!answer.ok) throw new Error(`Refused: ${told.error}.`);
  return told;
}

function complain(error) {
  if (error.name === "AbortError") return;
  $("status").textContent = "";
  $("problem").textContent = error.message;
}

function movement(hit, system, compared) {
  if (compared === null || system === "before") return null;
  if (hit.before === null) return made("span", { class: "up" }, `▲ new: not in the first ${compared} before`);
  const by = hit.before - hit.rank;
  if (by === 0) return made("span", {}, "= same rank as before");
  return made("span", { class: by > 0 ? "up" : "down" }, `${by > 0 ? "▲ up" : "▼ down"} ${Math.abs(by)}, was ${hit.before}`);
}

function judgement(hit) {
  if (hit.grade === null) return null;
  if (hit.grade <= 0) return made("span", {}, "judged not relevant");
  return made("span", { class: "judgement" }, hit.grade > 1 ? `✓ relevant, grade ${hit.grade}` : "✓ relevant");
}

function hitItem(hit, system, compared) {
  const title = hit.title === "" ? [hit.id] : marked(hit.title, hit.title_matches);
  const open = made("button", { type: "button", class: "open", "aria-haspopup": "dialog", onclick: () => showDocument(hit.id) }, ...title);
  const facts = made("div", { class: "facts" }, judgement(hit), movement(hit, system, compared), made("span", {}, `score ${hit.score.toPrecision(4)}`));
  return made("li", { class: hit.grade > 0 ? "hit good" : "hit", "data-id": hit.id },
    made("span", { class: "soft" }, `${hit.rank}. `), open, made("p", {}, ...marked(hit.text, hit.matches)), facts);
}

function systemSection(answer, compared, number) {
  const count = answer.documents.length, id = `system-${number}`;
  const spent = answer.kept ? "kept by the run" : `${answer.milliseconds.toFixed(answer.milliseconds < 10 ? 1 : 0)} ms`;
  const list = count
    ? made("ol", {}, ...answer.documents.map((hit) => hitItem(hit, answer.system, compared)))
    : made("p", { class: "soft" }, "Found nothing.");
  return made("section", { class: "system", "aria-labelledby": id, "data-system": answer.system },
    made("h3", { id }, answer.system, made("small", {}, spent)), list);
}

function chosenSystems() {
  const boxes = [...document.querySelectorAll('input[name="system"]')];
  return boxes.filter((box) => box.checked).map((box) => box.value);
}

async function search() {
  const query = $("query").value, systems = chosenSystems();
  if (query.trim() === "") { complain(new Error("Type a query first.")); return; }
  if (!systems.length) { complain(new Error("Choose at least one system.")); return; }
  if (query !== state.queryText) state.queryId = null;
  state.running?.abort();
  state.running = new AbortController();
  $("problem").textContent = "";
  $("status").textContent = "Searching …";
  if (state.queryId !== null) systems.push("teacher");
  const body = { query, k: Number($("k").value), systems, query_id: state.queryId };
  try {
    const told = await call("/api/search", body, state.running.signal);
    state.shown = told;
    const sections = told.systems.map((answer, number) => systemSection(answer, told.compared_to, number));
    $("results").replaceChildren(...sections);
    const judged = told.relevant === null ? "" : ` ${told.relevant} judged relevant.`;
    $("status").textContent = `${told.systems.length} systems answered in ${Math.round(told.milliseconds)} ms.${judged}`;
    offerTeacher(told);
  } catch (error) { complain(error); }
  for (const button of document.querySelectorAll("#judged button")) {
    if (button.dataset.id === state.queryId) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function ordered(told) {
  return told.systems.find((answer) => answer.system === "after") ?? told.systems[0];
}

function offerTeacher(told) {
  if (!$("teacher")) return;
  const answer = ordered(told);
  $("teacher-line").hidden = !answer.documents.length;
  $("teacher-of").textContent = answer.system;
  $("teacher-word").textContent = "";
  delete $("teacher").dataset.warned;
}

async function askTeacher() {
  const told = state.shown, answer = ordered(told), paid = $("teacher-line").dataset.paid === "yes";
  const documents = answer.documents.slice(0, 10).map((hit) => hit.id);
  if (paid && !$("teacher").dataset.warned) {
    $("teacher").dataset.warned = "yes";
    $("teacher-word").textContent = `The teacher is behind a server: up to ${documents.length} questions may cost money. Press again to ask.`;
    return;
  }
  $("teacher-word").textContent = "Asking …";
  $("problem").textContent = "";
  try {
    const found = await call("/api/teacher", { query: told.query, documents, query_id: state.queryId, confirmed: paid });
    if (state.shown !== told) return;
    const ranks = new Map(told.systems.find((one) => one.system === "before")?.documents.map((hit) => [hit.id, hit.rank]));
    for (const one of told.systems) for (const hit of one.documents) if (hit.before !== null) ranks.set(hit.id, hit.before);
    for (const hit of found.documents) hit.before = ranks.get(hit.id) ?? null;
    document.querySelector('[data-system="teacher of these"]')?.remove();
    $("results").append(systemSection({ ...found, system: "teacher of these" }, told.compared_to, "teacher"));
    $("teacher-word").textContent = `The teacher ordered ${found.documents.length} documents in ${Math.round(found.milliseconds)} ms.`;
  } catch (error) {
    $("teacher-word").textContent = "";
    complain(error);
  }
  delete $("teacher").dataset.warned;
}

async function showDocument(id) {
  const asked = ++state.asked;
  const query = (state.shown?.query ?? "").slice(0, 500);
  try {
    const told = await call(`/api/document?${new URLSearchParams({ id, query })}`);
    if (asked !== state.asked) return;
    $("document-title").replaceChildren(...(told.title === "" ? [told.id] : marked(told.title, told.title_matches)));
    $("document-id").textContent = told.id;
    $("document-text").replaceChildren(...marked(told.text, told.matches), told.cut ? "\n\n(The text is longer.)" : "");
    if (!$("document").open) $("document").showModal();
  } catch (error) { complain(error); }
}

function signed(value) {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(2)}`;
}

function judgedItem(query) {
  const gain = query.gain === null ? null : made("span", { class: query.gain > 0 ? "up" : query.gain < 0 ? "down" : "" }, signed(query.gain));
  const facts = made("small", {}, gain ?? "", query.gain === null ? "" : ` from ${query.before.toFixed(2)} to ${query.after.toFixed(2)}, `, `${query.relevant} relevant`);
  const text = query.text.length > 200 ? `${query.text.slice(0, 200)} …` : query.text;
  return made("li", {}, made("button", {
    type: "button", "data-id": query.id,
    onclick: () => {
      $("query").value = query.text;
      state.queryText = $("query").value;  // as the field holds it, without line breaks
      state.queryId = query.id;
      search();
    },
  }, text, facts));
}

async function moreQueries(anew) {
  if (!$("judged")) return;
  if (anew) $("judged").replaceChildren();
  const offset = $("judged").children.length;
  try {
    const told = await call(`/api/queries?${new URLSearchParams({ offset, limit: 50, reverse: $("order").value })}`);
    $("judged").append(...told.queries.map(judgedItem));
    $("more").hidden = $("judged").children.length >= told.total;
    if (offset) $("judged").children[offset]?.firstChild.focus();
  } catch (error) { complain(error); }
}

const THEMES = ["system", "light", "dark"];
function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  $("theme").textContent = `Theme: ${theme}`;
  try { localStorage.setItem("distillir-theme", theme); } catch { /* not kept */ }
}
function keptTheme() {
  try { return THEMES.find((theme) => theme === localStorage.getItem("distillir-theme")) ?? "system"; } catch { return "system"; }
}

setTheme(keptTheme());
$("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(keptTheme()) + 1) % THEMES.length]));
$("ask").addEventListener("submit", (event) => { event.preventDefault(); search(); });
$("teacher")?.addEventListener("click", askTeacher);
$("order")?.addEventListener("change", () => moreQueries(true));
$("more")?.addEventListener("click", () => moreQueries(false));
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input, select, textarea");
  if (event.key === "/" && !typing && !$("document").open && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("query").focus();
    $("query").select();
  }
});
moreQueries(true);
