// The page: what comes is shown, what a person does is asked of the stack, and what comes of that is said.

import { Link } from "/link.js";
import { Picture } from "/picture.js";
import { Plot } from "/plots.js";

const PLOT_MS = 100, FRAME_MS = 33, CONFIRM_MS = 6000, MOST_ANSWERS = 40, HEAD = 16, SILENT_S = 3;
const at = (id) => document.getElementById(id);
const state = { role: "", flat: "", frames: 0, scene: null, plots: [], status: null, choices: null };
let picture = null, link = null, confirming = 0;

function made(tag, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function rows(body, table) {
  body.replaceChildren(...table.map((cells) => {
    const row = made("tr");
    row.append(...cells.map((text) => made("td", text)));
    return row;
  }));
}

const number = (value, digits = 1) => (typeof value === "number" ? value.toFixed(digits) : "–");
const quantiles = (d) => (d && typeof d.p50 === "number" ? `${number(d.p50, 2)} / ${number(d.p99, 2)} ms` : "–");

function notice(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

// -- asking -----------------------------------------------------------------------------------------------------------

async function ask(name, options = {}, label = name) {
  const line = made("li", `${label} …`);
  line.className = "wait";
  at("log").prepend(line);
  while (at("log").children.length > MOST_ANSWERS) at("log").lastChild.remove();
  const { ok, text } = await link.ask(name, options);
  line.textContent = `${label}: ${text}`;
  line.className = ok ? "ok" : "no";
  return ok;
}

async function stop() {
  if (!link?.open) {
    notice("NOT STOPPED: there is no connection to the stack. Stop it where it runs: myoprosthesis estop");
    return;
  }
  if (!(await ask("estop", {}, "STOP"))) notice("The stop was not confirmed: see the answers below, or run myoprosthesis estop");
}

function confirmResume(open) {
  clearTimeout(confirming);
  at("resume-now").hidden = !open;
  if (open) {
    at("resume-now").focus();
    confirming = setTimeout(() => confirmResume(false), CONFIRM_MS);
  }
}

// -- what comes -------------------------------------------------------------------------------------------------------

function frame(view) {
  const scene = state.scene;
  if (!scene || view.getUint16(2, true) !== scene.layout) return;
  state.frames++;
  const values = new Float32Array(view.buffer, HEAD), time = view.getFloat64(8, true);
  const targets = values.subarray(6, 6 + 3 * scene.targets);
  let place = 6 + 3 * scene.targets + 4 * scene.contacts;
  const contacts = values.subarray(place - 4 * scene.contacts, place);
  for (const plot of state.plots) {
    const n = plot.curves.names.length * (plot.curves.extremes ? 2 : 1);
    plot.add(time, values.subarray(place, place + n));
    place += n;
  }
  const ghost = values.subarray(place, scene.ghost ? place += 7 * scene.shapes.parts : place);
  if (picture?.description) picture.place(values, { targets, contacts, ghost }, values.subarray(place));
  const load = Math.hypot(values[3], values[4], values[5]);
  at("caption").textContent = `${time > 1e6 ? new Date(time * 1000).toLocaleTimeString() : `${time.toFixed(2)} s`}` +
    (load > 0.05 ? `   load ${load.toFixed(1)} N` : "");
  document.body.dataset.frames = state.frames;
}

async function meshes(packed) {
  const scene = state.scene;
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  if (scene !== state.scene) return;
  at("no-picture").textContent = `${state.flat}${scene.why}`;
  at("no-picture").hidden = !at("no-picture").textContent;
  if (!picture) return;
  if (scene.shapes) picture.show(scene.shapes, bytes); else picture.clear();
  document.body.dataset.scene = scene.effector;
}

function message(data) {
  if (data.kind === "hello") hello(data);
  else if (data.kind === "scene") showScene(data);
  else if (data.kind === "status") showStatus(data);
  else if (data.kind === "choices") showChoices(data);
  else if (data.kind === "moment") at("state").textContent = data.text;
  else if (data.kind === "answer") notice(data.text);
}

// The picture, once the page is admitted.
function begin() {
  if (picture || state.flat) return;
  try {
    picture = new Picture(at("canvas"));
  } catch {
    state.flat = "This browser cannot draw in three dimensions: WebGL is off. ";
  }
}

function hello(data) {
  state.role = data.role;
  begin();
  notice("");
  document.body.dataset.role = data.role;
  if (data.recording) return recorded(data.recording);
  const looks = data.role === "look";
  for (const element of document.querySelectorAll("#controls button, #controls input, #controls select, #resume, #resume-now"))
    element.disabled = looks;
  at("look").textContent = looks ? "This page may look, and stop; it may not steer." :
    `To look only: ${location.origin}${data.look}`;
  at("title").textContent = `myoprosthesis ${data.namespace === "/" ? "" : data.namespace}`;
}

// Of a recording the page asks for the frames itself, at the time of the slider.
function recorded({ title, seconds, faults }) {
  for (const id of ["controls", "health", "answers", "stopping"]) at(id).hidden = true;
  at("title").textContent = title;
  notice(faults.join("; "));
  state.recorded = true;
  at("time").hidden = false;
  at("slider").max = seconds;
  const seek = () => {
    at("moment").textContent = `${Number(at("slider").value).toFixed(2)} of ${seconds.toFixed(2)} s`;
    if (link.open) link.socket.send(JSON.stringify({ do: "seek", at: Number(at("slider").value) }));
  };
  at("slider").oninput = () => { state.due = true; };
  at("play").onclick = () => {
    state.playing = !state.playing;
    at("play").textContent = state.playing ? "pause" : "play";
    if (state.playing && Number(at("slider").value) >= seconds) at("slider").value = 0;
  };
  clearInterval(state.timer);
  let before = performance.now();
  state.timer = setInterval(() => {
    const now = performance.now();
    if (state.playing) {
      at("slider").value = Math.min(seconds, Number(at("slider").value) + (now - before) / 1000);
      if (Number(at("slider").value) >= seconds) at("play").click();
      state.due = true;
    }
    before = now;
    if (state.due) seek();
    state.due = false;
  }, FRAME_MS);
  state.due = true;
}

function showScene(data) {
  state.scene = data;
  at("plots").replaceChildren();
  state.plots = data.curves.map((curves) => new Plot(at("plots"), curves));
}

function showStatus(data) {
  state.status = data;
  const e = data.effector, p = data.policy;
  const silent = e.silent_s > SILENT_S ? `; its effector has said nothing for ${e.silent_s.toFixed(0)} s` : "";
  const following = e.stopped ? "STOPPED until resume" : e.error || e.idle || (e.waiting_for && `waits for ${e.waiting_for}`) || "follows commands";
  at("state").textContent = e.name ?
    `${e.name} ${following}${e.paused ? ", time is held" : ""}${silent} · policy ${p.name || "none"} · perturbation ${data.perturbation || "not known yet"}` :
    "no effector reports";
  document.body.dataset.stopped = e.stopped;
  document.body.dataset.policy = p.name;
  document.body.dataset.perturbation = data.perturbation;
  at("resume").hidden = !e.stopped;
  if (!e.stopped) confirmResume(false);
  rows(at("nodes"), data.nodes.map((n) => [n.name, n.state, n.text]));
  rows(at("loop"), [
    ["rate", `${number(e.rate)} of ${e.dt ? number(1 / e.dt) : "–"} Hz`],
    ["missed ticks", `${e.missed_ticks} of ${e.ticks}`],
    ["command age, median / p99", quantiles(e.command_age_ms)],
    ["lateness, median / p99", quantiles(e.lateness_ms)],
    ...(e.latency_ms?.p50 && state.scene?.curves.some((c) => c.key === "raw") ? [["EMG to command, median / p99", quantiles(e.latency_ms)]] : []),
    ["waits for", e.waiting_for || "nobody"],
    ...Object.entries(e.events ?? {}).map(([name, count]) => [`guard: ${name}`, `${count}`]),
    ...(data.decision.known ? [["decision", `${data.decision.choice || "none"}${data.decision.rejected ? " (rejected)" : ""}, ${number(data.decision.confidence, 2)}`]] : []),
  ]);
  showTrial(data.trial);
  at("beside").hidden = !p.shadow;
  at("beside-name").textContent = `${p.shadow} runs beside, on policy/shadow`;
  chooseNow();
  const r = data.recorder;
  at("recording").textContent = data.recording || r ?
    `${data.recording || r.folder}${r ? `: ${r.messages} messages, ${r.ready ? r.text : "not all topics are known yet"}` : ""}` : "nothing is recorded";
}

function showTrial(t) {
  const unit = { peak_speed: "m/s", score: "", held: "" };
  const figures = (values) => Object.entries(values ?? {}).filter(([, v]) => typeof v === "number" || typeof v === "boolean")
    .filter(([k]) => !["trial", "time_ns", "samples", "expected", "last", "catch", "scored"].includes(k)).slice(0, 4)
    .map(([k, v]) => `${k} ${typeof v === "number" ? v.toPrecision(3) : v}${unit[k] ? ` ${unit[k]}` : ""}`).join(", ");
  const ended = t.number + (t.event === "end" || t.event === "lost" ? 1 : 0);
  const all = t.over < ended ? `${t.over} ended since the console began` : `${t.over} over`;
  const over = t.over ? `${all}${t.lost ? `, ${t.lost} of them lost` : ""}; the last one: ${t.last.lost || figures(t.last)}` : "none is over";
  at("trial").textContent = t.number === null ? "no trial is known" : `trial ${t.number} (${t.event}); ${over}`;
}

function showChoices(data) {
  state.choices = data;
  const fill = (select, list, group) => {
    const groups = new Map();
    for (const one of list) {
      const name = group(one);
      if (!groups.has(name)) {
        const made_ = made("optgroup");
        made_.label = name;
        groups.set(name, made_);
      }
      const item = made("option", one.name);
      item.value = one.name;
      item.disabled = "unusable" in one;
      groups.get(name).append(item);
    }
    select.replaceChildren(...groups.values());
  };
  fill(at("policy"), data.policies, (p) => (p.unusable ? "unusable" : p.decodes ? "decoders" : p.effector));
  fill(at("effector"), data.effectors, (e) => e.group);
  fill(at("perturbation"), data.perturbations, (p) => p.group);
  const blend = data.forms.blend.properties.blend_s;
  Object.assign(at("blend"), { min: blend.minimum, max: blend.maximum, value: data.blend_s ?? blend.default, title: blend.description });
  at("gain").min = 0;
  at("perturbation").value = "null";
  state.chosen = false;
  chooseNow();
  about();
  document.body.dataset.choices = data.policies.length;
}

// The lists begin with what is there now; what is imposed may be none of the presets, as a session's own.
function chooseNow() {
  const imposed = (state.status?.perturbation || "").split(" (")[0]; // without its gain
  const now = { policy: state.status?.policy.name, effector: state.status?.effector.name, perturbation: imposed };
  if (state.chosen || !state.choices || Object.values(now).some((name) => !name)) return;
  for (const [id, name] of Object.entries(now)) {
    if (![...at(id).options].some((o) => o.value === name)) {
      const own = made("option", `${name} (of this stack)`);
      own.value = name;
      own.disabled = true;
      at(id).append(own);
    }
    at(id).value = name;
  }
  state.chosen = true;
  about();
}

function about() {
  const policy = state.choices?.policies.find((p) => p.name === at("policy").value);
  const imposed = state.choices?.perturbations.find((p) => p.name === at("perturbation").value);
  const errors = Object.entries(policy?.errors_mm ?? {}).filter(([, s]) => typeof s.endpoint_error_mm === "number")
    .map(([field, s]) => `${field} ${s.endpoint_error_mm.toFixed(1)}`);
  const broken = state.choices?.policies.filter((p) => p.unusable).map((p) => `${p.name} cannot be used: ${p.unusable}`) ?? [];
  at("policy-about").textContent = [
    policy && !policy.unusable ? `${policy.effector}, ${policy.sees} → ${policy.does}, every ${number(1e3 * policy.dt, 3).replace(/\.?0+$/, "")} ms` : "",
    errors.length ? `error in ${errors.join(", ")} mm` : "",
    typeof policy?.score === "number" ? `score ${policy.score.toPrecision(3)}` : "", ...broken,
  ].filter(Boolean).join("; ");
  at("perturbation-about").textContent = imposed?.unusable ?? imposed?.about ?? "";
}

// -- wiring -----------------------------------------------------------------------------------------------------------

function wire() {
  at("estop").onclick = stop;
  // The space bar stops wherever the focus is; buttons are pressed by the enter key.
  const space = (event) => event.code === "Space" || event.key === " ";
  addEventListener("keydown", (event) => {
    if (!space(event) || state.recorded) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) stop();
  }, true);
  addEventListener("keyup", (event) => { if (space(event) && !state.recorded) event.preventDefault(); }, true);
  at("resume").onclick = () => confirmResume(true);
  at("resume-now").onclick = () => { confirmResume(false); ask("resume"); };
  const submit = (id, act) => { at(id).onsubmit = (event) => { event.preventDefault(); act(); }; };
  submit("policy-form", () => ask("swap", { policy: at("policy").value }, `swap ${at("policy").value}`));
  submit("perturbation-form", () => {
    const gain = at("gain").value === "" ? {} : { gain: Number(at("gain").value) };
    ask("perturb", { perturbation: at("perturbation").value, ...gain }, `impose ${at("perturbation").value}`);
  });
  submit("task-form", () => {});
  submit("effector-form", () => ask("exchange", {
    effector: at("effector").value, option: at("effector-options").value.match(/[^\s[\]]*(\[[^\]]*\][^\s[\]]*)+|\S+/g) ?? [],
  }, `exchange for ${at("effector").value}`));
  submit("record-form", () => ask("record", { folder: at("folder").value }));
  at("rollback").onclick = () => ask("rollback", {}, "roll back");
  at("shadow").onclick = () => ask("shadow", { policy: at("policy").value }, `run ${at("policy").value} beside`);
  at("no-shadow").onclick = () => ask("shadow", { policy: "" }, "run none beside");
  submit("blend-form", () => ask("blend", { blend_s: Number(at("blend").value) }, "cross-fade"));
  at("no-perturbation").onclick = () => ask("perturb", { perturbation: "null" }, "no perturbation");
  for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => ask(button.dataset.do, {}, button.textContent);
  for (const button of document.querySelectorAll("[data-view]")) button.onclick = () => picture?.look(button.dataset.view);
  at("policy").onchange = at("perturbation").onchange = about;
  addEventListener("hashchange", () => location.reload());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const plot of state.plots) plot.choose(); });
}

function start() {
  wire();
  const token = location.hash.slice(1);
  if (!token) {
    at("state").textContent = "no token";
    notice("This address has no token: open the one that the console printed, with what follows the #.");
    return;
  }
  link = new Link(token, {
    frame, meshes, message,
    closed: (reason, again) => {
      document.body.dataset.role = "";
      at("state").textContent = again ? "no connection to the stack; it is tried again" : "not admitted";
      notice(again ? "No connection: what is shown is old, and nothing here stops the stack." : reason);
    },
  });
  const draw = () => { picture?.draw(); requestAnimationFrame(draw); };
  requestAnimationFrame(draw);
  setInterval(() => { for (const plot of state.plots) plot.draw(); }, PLOT_MS);
}

start();
