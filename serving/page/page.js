// The page of the service, and, loaded into an audio worklet, what takes samples off the microphone.

const HOP_S = 0.5; // an answer of a stream comes for each
const SHOWN_S = 20; // of a stream
const BAR_S = 0.05; // of the waveform of a stream
const DOUBTS = ["uncertain", "unfamiliar"]; // answers beside which the likeliest emotion stands
const COLOURS = ["angry", "happy", "sad", "neutral", "fearful", "disgusted", "bored", "calm", "surprised"];

if (typeof AudioWorkletProcessor === "function") {
  registerProcessor("recorder", class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.samples = new Int16Array(2048);
      this.filled = 0;
    }
    process([[channel]]) {
      for (const value of channel ?? []) {
        this.samples[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
        if (this.filled === this.samples.length) {
          this.port.postMessage(this.samples.slice());
          this.filled = 0;
        }
      }
      return true;
    }
  });
} else {
  start();
}

function start() {
  const at = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
  const canvas = at.canvas.getContext("2d");
  // What is on the stage: bars of the waveform, stretches with their answers, the span of time that is shown.
  const scene = { bars: [], barS: BAR_S, stretches: [], from: 0, to: 0, cursor: null, whole: null };
  let model = { labels: [], limits: {}, needs_key: false };
  let upload = null; // AbortController of the one under way
  let live = null; // the stream under way
  let sound = null; // the recording, decoded, to be played
  let spokenAt = 0;
  const palette = new Map(); // custom properties of the style sheet, as they are in light or dark

  describeModel();
  at.file.addEventListener("change", () => at.file.files[0] && hear(at.file.files[0]));
  at["key-line"].addEventListener("submit", (event) => event.preventDefault());
  at.microphone.addEventListener("click", () => (live ? stop() : listen()));
  at.play.addEventListener("click", () => (sound?.source ? pause() : play()));
  for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, drag);
  for (const kind of ["pointermove", "pointerdown", "pointerleave"]) at.cursor.addEventListener(kind, point);
  at.cursor.addEventListener("keydown", step);
  at.cursor.addEventListener("focus", () => live || scene.cursor !== null || move(scene.from));
  at.cursor.addEventListener("blur", () => sound?.source || move(null));
  new ResizeObserver(draw).observe(at.picture);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette.clear();
    makeBars();
    show();
    draw();
  });

  // The model

  async function describeModel() {
    try {
      const answer = await fetch("v1/model");
      if (!answer.ok) throw new Error();
      model = await answer.json();
    } catch {
      return fail("The service does not answer", "Load this page again in a moment.");
    }
    at["key-line"].hidden = !model.needs_key;
    at["card-text"].replaceChildren(...markdown(model.card));
    const size = `${Math.floor(model.limits.upload_bytes / 1e6)} MB`;
    const facts = { emotions: model.labels.length, ...model.settings };
    facts["uncertain below"] = percent(model.threshold);
    facts["longest recording"] = `${model.limits.duration_s} s, ${size}`;
    at.settings.replaceChildren(...Object.entries(facts).map(([name, value]) => {
      const pair = document.createElement("div");
      const unit = name.endsWith("_s") ? "\u202fs" : "";
      const short = Number.isFinite(value) && !Number.isInteger(value) ? Number(value.toPrecision(3)) : value;
      pair.append(element("dt", name.replace(/_s$/, "").replaceAll("_", " ")), element("dd", `${short}${unit}`));
      return pair;
    }));
    makeBars();
  }

  // Headings, lists, tables, quotes and paragraphs are all that a card has. Text stays text: nothing in it is run.
  function markdown(text) {
    const found = [];
    for (const block of text.trim().split(/\n\s*\n/)) {
      const lines = block.split("\n");
      const heading = lines[0].match(/^(#+)\s+(.*)/);
      if (heading) {
        if (heading[1].length > 1) found.push(element("h3", plain(heading[2])));
        lines.shift();
      }
      if (!lines.length) continue;
      if (/^[-*] /.test(lines[0])) {
        const list = element("ul");
        for (const item of lines.join("\n").split(/\n?^[-*] /m).filter(Boolean)) list.append(element("li", plain(item)));
        found.push(list);
      } else if (lines[0].startsWith("|")) {
        const rows = lines.filter((line) => !/^\|[\s|:-]+\|$/.test(line));
        const table = element("table");
        for (const [number, row] of rows.entries()) {
          const line = element("tr");
          line.append(...row.slice(1, -1).split("|").map((cell, column) => tableCell(plain(cell), !number, !column)));
          table.append(line);
        }
        const scroll = element("div");
        scroll.className = "scroll";
        scroll.tabIndex = 0;
        scroll.setAttribute("role", "region");
        for (const each of [scroll, table]) each.setAttribute("aria-label", found.at(-1)?.textContent ?? "Table");
        scroll.append(table);
        found.push(scroll);
      } else {
        found.push(element("p", plain(lines.join(" ").replace(/^> /, ""))));
      }
    }
    return found;
  }

  function plain(text) {
    return text.replace(/\s+/g, " ").replace(/\*\*|`/g, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim();
  }

  // A recording

  async function hear(file) {
    at.file.value = ""; // so that the same file may be chosen again
    if (!keyFits()) return;
    stop();
    pause();
    upload?.abort();
    const mine = (upload = new AbortController());
    Object.assign(scene, { bars: [], stretches: [], from: 0, to: 0, cursor: null, whole: null });
    sound = null;
    at.play.hidden = at.table.hidden = true;
    stage("file");
    show();
    if (file.size > model.limits.upload_bytes) {
      const most = Math.floor(model.limits.upload_bytes / 1e6);
      return fail("The recording is too large", `Expected at most ${most} MB, found ${Math.ceil(file.size / 1e6)} MB.`);
    }
    at.waiting.hidden = false;
    say("Listening to the recording");
    const decoded = await decode(file);
    if (mine.signal.aborted) return;
    if (decoded) {
      scene.to = decoded.duration;
      Object.assign(scene, waveform(decoded));
      draw();
    }
    // About forty windows, whatever the length: enough to see a change, and soon there. No window is longer than 30 s;
    // where the service would refuse as many as that takes, there is no timeline.
    const seconds = decoded?.duration ?? model.limits.duration_s ?? 120;
    const about = Math.min(30, Math.max(HOP_S, Math.ceil(seconds / 4) / 10));
    const hop = Math.max(about, Math.ceil((10 * seconds) / (model.limits.windows ?? 240)) / 10);
    const window = Math.max(2, hop);
    const count = Math.ceil(Math.max(0, seconds - window) / hop) + 1;
    const refused = hop > 30 || count * Math.min(window, seconds) > (model.limits.timeline_s ?? 600);
    const query = refused ? "" : new URLSearchParams({ window, hop });
    const type = /^(audio|video)\//.test(file.type) ? file.type : "application/octet-stream";
    try {
      const answer = await fetch(`v1/predict?${query}`, {
        method: "POST",
        body: file,
        headers: { "Content-Type": type, ...(at.key.value && { Authorization: `Bearer ${at.key.value}` }) },
        signal: mine.signal,
      });
      const found = await answer.json();
      if (!answer.ok) return fail(found.title, found.detail);
      Object.assign(scene, { whole: found, stretches: found.timeline ?? [], to: found.duration_s });
      sound = decoded && { buffer: decoded };
      at.play.hidden = !decoded;
      fillTable();
      stage("file");
      show();
      draw();
      say(`The whole recording: ${inWords(found)}`);
    } catch (error) {
      if (error.name !== "AbortError") fail("The service does not answer", "Try again in a moment.");
    } finally {
      if (upload === mine) at.waiting.hidden = true;
    }
  }

  async function decode(file) {
    try {
      return await new OfflineAudioContext(1, 1, 44100).decodeAudioData(await file.arrayBuffer());
    } catch {
      return null; // the service reads more formats than a browser; there is no waveform then
    }
  }

  function waveform(buffer) {
    const samples = mixed(buffer);
    const count = Math.min(320, samples.length);
    const size = samples.length / count;
    const bars = Array.from({ length: count }, (_, bar) => {
      let most = 0;
      for (let i = Math.floor(bar * size); i < (bar + 1) * size; i++) most = Math.max(most, Math.abs(samples[i] ?? 0));
      return most;
    });
    const loudest = Math.max(...bars, 0.02);
    return { bars: bars.map((bar) => bar / loudest), barS: buffer.duration / count };
  }

  // The mean of the channels, which is what the service hears.
  function mixed(buffer) {
    const [first, ...others] = Array.from({ length: buffer.numberOfChannels }, (_, index) => buffer.getChannelData(index));
    if (!others.length) return first;
    return first.map((value, i) => others.reduce((sum, channel) => sum + channel[i], value) / buffer.numberOfChannels);
  }

  function fillTable() {
    const head = element("tr");
    head.append(...["From", "To", "Answer", "Confidence"].map((word) => tableCell(word, true)));
    at.table.querySelector("thead").replaceChildren(head);
    at.table.querySelector("tbody").replaceChildren(...scene.stretches.map((stretch) => {
      const row = element("tr");
      const sure = stretch.confidence === null ? "" : percent(stretch.confidence);
      const word = DOUBTS.includes(stretch.answer) ? `${stretch.answer} (${stretch.label})` : stretch.answer;
      const texts = [seconds(stretch.start_s), seconds(stretch.end_s), word, sure];
      row.append(...texts.map((text, column) => tableCell(text, false, !column)));
      return row;
    }));
    at.table.hidden = false;
  }

  function play() {
    const context = new AudioContext();
    const source = new AudioBufferSourceNode(context, { buffer: sound.buffer });
    const begin = scene.cursor !== null && scene.cursor < scene.to - 0.1 ? scene.cursor : 0;
    source.connect(context.destination);
    source.onended = () => sound?.source === source && pause();
    source.start(0, begin);
    Object.assign(sound, { source, context });
    at.play.textContent = "Pause";
    const tick = () => {
      if (sound?.source !== source) return;
      move(Math.min(scene.to, begin + context.currentTime));
      requestAnimationFrame(tick);
    };
    tick();
  }

  function pause() {
    const context = sound?.context;
    if (!sound?.source) return;
    sound.source = sound.context = null;
    context.close();
    at.play.textContent = "Play";
    if (scene.cursor >= scene.to - 0.1) move(null);
  }

  // The microphone

  async function listen() {
    if (!keyFits()) return;
    if (!isSecureContext) {
      return fail("The microphone cannot be used", "Browsers give it to pages over HTTPS or on localhost only; open this page so.");
    }
    pause();
    upload?.abort();
    sound = null;
    at.waiting.hidden = at.play.hidden = at.table.hidden = true;
    const mine = (live = { heard: 0, level: 0 });
    Object.assign(scene, { bars: [], barS: BAR_S, stretches: [], from: 0, to: SHOWN_S, cursor: null, whole: null });
    at.microphone.classList.add("on");
    at["microphone-word"].textContent = "Stop";
    stage("live");
    show();
    try {
      const processing = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
      mine.microphone = await navigator.mediaDevices.getUserMedia({ audio: processing });
    } catch {
      stop();
      return fail("The microphone cannot be used", "Allow it for this page in the browser, and see that one is connected.");
    }
    if (live !== mine) return mine.microphone.getTracks().forEach((track) => track.stop());
    try {
      await stream(mine);
    } catch {
      if (live !== mine) return; // stopped meanwhile
      stop();
      fail("The stream cannot begin", "The browser or the service does not let it; load this page again.");
    }
  }

  async function stream(mine) {
    mine.context = new AudioContext();
    await mine.context.audioWorklet.addModule("page.js");
    if (live !== mine) return;
    const rate = mine.context.sampleRate;
    const recorder = new AudioWorkletNode(mine.context, "recorder");
    mine.context.createMediaStreamSource(mine.microphone).connect(recorder);
    const address = new URL(`v1/stream?sampling_rate=${rate}&window=3`, location.href.replace(/^http/, "ws"));
    const key = at.key.value && `ser.key.${btoa(at.key.value).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "")}`;
    mine.socket = new WebSocket(address, ["ser.v1", ...(key ? [key] : [])]);
    recorder.port.onmessage = ({ data }) => {
      if (live !== mine) return;
      if (mine.socket.readyState === WebSocket.OPEN) {
        mine.socket.send(data.buffer);
        addLevels(mine, data, rate);
      }
    };
    mine.socket.onopen = () => say("The microphone is on");
    mine.socket.onmessage = ({ data }) => {
      const found = JSON.parse(data);
      if (live !== mine) return;
      if (found.status) {
        mine.told = true;
        stop();
        return fail(found.title, found.detail);
      }
      scene.stretches.push(found);
      scene.whole = found;
      show();
      if (performance.now() - spokenAt > 3000) say(inWords(found));
    };
    mine.socket.onclose = () => {
      if (live !== mine || mine.told) return;
      stop();
      fail("The stream has ended", "The service is busy, needs an API key or was stopped; try again in a moment.");
    };
    const tick = () => {
      if (live !== mine) return;
      if (mine.heard !== mine.drawn) {
        mine.drawn = mine.heard;
        scene.to = Math.max(SHOWN_S, mine.heard / rate);
        scene.from = scene.to - SHOWN_S;
        while (scene.stretches.length && scene.stretches[0].end_s < scene.from - 5) scene.stretches.shift();
        draw();
      }
      requestAnimationFrame(tick);
    };
    tick();
  }

  function addLevels(mine, samples, rate) {
    for (const sample of samples) {
      mine.level = Math.max(mine.level, Math.abs(sample) / 32768);
      if (++mine.heard % Math.round(BAR_S * rate) === 0) {
        scene.bars.push(Math.min(1, Math.sqrt(mine.level)));
        mine.level = 0;
      }
    }
  }

  function stop() {
    if (!live) return;
    const mine = live;
    live = null;
    mine.socket?.close();
    mine.context?.close();
    mine.microphone?.getTracks().forEach((track) => track.stop());
    at.microphone.classList.remove("on");
    at["microphone-word"].textContent = "Use the microphone";
    show();
    say("The microphone is off");
  }

  // A header holds no other signs; those of a WebSocket's protocol are the same.
  function keyFits() {
    if (/^[\x21-\x7e]*$/.test(at.key.value)) return true;
    fail("This is no API key", "Expected letters, digits and signs of ASCII without spaces, found another sign; copy the key again.");
    return false;
  }

  // The stage

  function stage(state) {
    at.stage.dataset.state = state;
    at.problem.hidden = true;
    at.result.hidden = state === "idle";
  }

  function fail(title, detail) {
    if (!scene.whole) stage("idle");
    at.waiting.hidden = true;
    at.problem.replaceChildren(element("strong", title), element("span", detail));
    at.problem.hidden = false;
  }

  function makeBars() {
    at.bars.replaceChildren(...model.labels.map((label) => {
      const row = element("li");
      const track = element("span");
      const fill = element("span");
      const value = element("span");
      track.className = "track";
      fill.className = "fill";
      value.className = "value";
      fill.style.backgroundColor = colour(label);
      track.append(fill);
      row.append(element("span", label), track, value);
      return row;
    }));
  }

  // The answer that is shown: at the cursor, else for the whole recording or the newest of a stream.
  function show() {
    const found = scene.cursor === null ? scene.whole : stretchAt(scene.cursor);
    at.when.textContent = scene.cursor !== null ? `At ${seconds(scene.cursor)}`
      : at.stage.dataset.state === "live" ? "The last three seconds" : "The whole recording";
    at.word.textContent = found?.answer ?? "\u2026";
    at.sure.textContent = !found ? "\u00a0" : found.answer === "silence" ? "nothing to hear"
      : found.answer === "unfamiliar" ? `unlike what was learned; ${found.label}, if it must be one`
      : found.answer === "uncertain" ? `${found.label} at most, ${percent(found.confidence)}`
      : `${percent(found.confidence)} confident`;
    [...at.bars.children].forEach((row, index) => {
      const label = model.labels[index];
      const value = found?.probabilities?.[label];
      row.classList.toggle("most", found?.label === label);
      row.querySelector(".fill").style.transform = `translateX(${100 * ((value ?? 0) - 1)}%)`;
      row.querySelector(".value").textContent = value === undefined ? "\u2013" : percent(value);
    });
    at.glow.style.backgroundColor = found ? colour(found.answer) : "";
    at.cursor.tabIndex = scene.stretches.length && !live ? 0 : -1;
    at.cursor.setAttribute("aria-valuemin", scene.from.toFixed(1));
    at.cursor.setAttribute("aria-valuemax", scene.to.toFixed(1));
    at.cursor.setAttribute("aria-valuenow", (scene.cursor ?? scene.from).toFixed(1));
    at.cursor.setAttribute("aria-valuetext", found ? `${at.when.textContent}: ${inWords(found)}` : "no answer yet");
  }

  // The stretch whose middle is nearest: windows overlap.
  function stretchAt(time) {
    const away = (stretch) => Math.abs((stretch.start_s + stretch.end_s) / 2 - time);
    return scene.stretches.reduce((best, stretch) => (!best || away(stretch) < away(best) ? stretch : best), null);
  }

  function move(time) {
    scene.cursor = scene.stretches.length ? time : null;
    show();
    draw();
  }

  function point(event) {
    if (live || sound?.source || !scene.stretches.length) return;
    if (event.type === "pointerleave") return document.activeElement === at.cursor || move(null);
    const box = at.cursor.getBoundingClientRect();
    move(scene.from + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (scene.to - scene.from));
  }

  function step(event) {
    const now = scene.cursor ?? scene.from;
    const to = { ArrowRight: now + HOP_S, ArrowUp: now + HOP_S, ArrowLeft: now - HOP_S, ArrowDown: now - HOP_S, Home: scene.from, End: scene.to }[event.key];
    if (to === undefined || live) return;
    event.preventDefault();
    pause();
    move(Math.max(scene.from, Math.min(scene.to, to)));
  }

  function drag(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    at.stage.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer.files[0]) hear(event.dataTransfer.files[0]);
  }

  // The picture

  function draw() {
    const { width, height } = at.picture.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    if (!width) return;
    if (at.canvas.width !== Math.round(width * ratio) || at.canvas.height !== Math.round(height * ratio)) {
      at.canvas.width = Math.round(width * ratio);
      at.canvas.height = Math.round(height * ratio);
    }
    canvas.setTransform(ratio, 0, 0, ratio, 0, 0);
    canvas.clearRect(0, 0, width, height);
    const span = scene.to - scene.from || 1;
    const x = (time) => ((time - scene.from) / span) * width;
    drawWave(x, width, height * 0.56);
    drawShares(x, height * 0.66, height * 0.34);
    at.from.textContent = scene.to ? seconds(scene.from) : "";
    at.to.textContent = scene.to ? seconds(scene.to) : "";
    if (scene.cursor !== null) {
      canvas.fillStyle = value("--ink");
      canvas.fillRect(Math.min(width - 2, Math.max(0, x(scene.cursor) - 1)), 0, 2, height);
    }
  }

  function drawWave(x, width, height) {
    const first = Math.max(0, Math.floor(scene.from / scene.barS));
    const gap = x(scene.barS) - x(0);
    const group = Math.max(1, Math.ceil(4 / gap)); // a bar and its gap take four pixels at least
    for (let bar = first - (first % group); bar < scene.bars.length; bar += group) {
      const level = Math.max(...scene.bars.slice(bar, bar + group));
      const middle = (bar + group / 2) * scene.barS;
      const tall = Math.max(2, level * height);
      const found = scene.stretches.length ? stretchAt(middle) : null;
      canvas.fillStyle = colour(found ? found.answer : "");
      canvas.beginPath();
      canvas.roundRect(x(middle) - (gap * group * 0.6) / 2, (height - tall) / 2, gap * group * 0.6, tall, 2);
      canvas.fill();
    }
    if (!scene.bars.length) {
      canvas.fillStyle = value("--line");
      canvas.fillRect(0, height / 2 - 1, width, 2);
    }
  }

  // Shares of the emotions over time, one upon the other; where there is silence, a gap.
  function drawShares(x, top, height) {
    canvas.save();
    canvas.beginPath();
    canvas.roundRect(x(scene.from), top, x(scene.to) - x(scene.from), height, 8);
    canvas.clip();
    canvas.strokeStyle = value("--sheet"); // no share is told by its colour alone
    canvas.lineWidth = 1;
    const runs = [[]];
    for (const stretch of scene.stretches) {
      if (stretch.probabilities) runs.at(-1).push(stretch);
      else if (runs.at(-1).length) runs.push([]);
    }
    for (const run of runs.filter((found) => found.length)) {
      const points = run.map((stretch) => ({ at: (stretch.start_s + stretch.end_s) / 2, shares: stretch.probabilities }));
      const begin = run[0] === scene.stretches[0] && !live ? scene.from : Math.max(run[0].start_s, points[0].at - HOP_S);
      const end = run.at(-1) === scene.stretches.at(-1) ? run.at(-1).end_s : points.at(-1).at + HOP_S;
      points.unshift({ at: begin, shares: points[0].shares });
      points.push({ at: end, shares: points.at(-1).shares });
      const below = points.map(() => 0);
      for (const label of model.labels) {
        const above = points.map((point, index) => below[index] + point.shares[label]);
        canvas.fillStyle = colour(label);
        canvas.beginPath();
        edge(points, above, 1);
        edge(points, below, -1);
        canvas.fill();
        canvas.stroke();
        above.forEach((share, index) => (below[index] = share));
      }
    }
    canvas.restore();

    function edge(points, shares, direction) {
      const order = points.map((_, index) => index);
      if (direction < 0) order.reverse();
      order.forEach((index, position) => {
        const [px, py] = [x(points[index].at), top + height * (1 - shares[index])];
        if (!position) return direction > 0 ? canvas.moveTo(px, py) : canvas.lineTo(px, py);
        const before = order[position - 1];
        const [qx, qy] = [x(points[before].at), top + height * (1 - shares[before])];
        canvas.bezierCurveTo((px + qx) / 2, qy, (px + qx) / 2, py, px, py);
      });
    }
  }

  // Words

  function inWords(found) {
    if (found.answer === "silence") return "silence";
    const sure = percent(found.confidence);
    const doubted = DOUBTS.includes(found.answer);
    return doubted ? `${found.answer}, ${found.label} at most, ${sure}` : `${found.answer}, ${sure}`;
  }

  function say(text) {
    spokenAt = performance.now();
    at.spoken.textContent = text;
  }

  function percent(share) {
    const rounded = Math.round(100 * share);
    if (rounded === 100 && share < 1) return ">99\u202f%"; // sure beyond doubt is nothing
    if (rounded === 0 && share > 0) return "<1\u202f%";
    return `${rounded}\u202f%`;
  }

  function seconds(time) {
    return `${Math.max(0, time).toFixed(1)}\u202fs`;
  }

  function element(name, text = "") {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  // A cell in the top row heads its column, one at the left its row; what is empty heads nothing.
  function tableCell(text, top, left = false) {
    const cell = element((top || left) && text ? "th" : "td", text);
    if (cell.localName === "th") cell.scope = top ? "col" : "row";
    return cell;
  }

  function value(name) {
    if (!palette.has(name)) palette.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
    return palette.get(name);
  }

  function colour(word) {
    const known = COLOURS.includes(word);
    return value(known ? `--${word}` : model.labels.includes(word) ? "--other" : "--none");
  }
}
