// Questions in a notebook: radio buttons, a number, or a curve drawn by hand; and a quiz that says its reasons at once.
// Everything is made of native controls, so that a keyboard and a screen reader find their way.

let made = 0;
// JupyterLab takes keys for itself unless the element that has the focus says this.
const KEYS = { "data-lm-suppress-shortcuts": "true" };

function element(parent, tag, attributes = {}, text = "") {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  if (text) found.textContent = text;
  parent.append(found);
  return found;
}

// The text that a saved notebook keeps is not shown beside the live question.
function hideKept(el, key) {
  const kept = `[data-hyperedu-kept="${key}"]`;
  element(el, "style").textContent = `${kept}, .jp-OutputArea-child:has(${kept}) { display: none }`;
}

// A group of radio buttons; `chosen` is called with the place of what is chosen.
function choices(parent, question, options, chosen) {
  const group = element(parent, "fieldset", { class: "hyperedu-question" });
  element(group, "legend", {}, question);
  const name = `hyperedu-${++made}`;
  const inputs = options.map((option, place) => {
    const label = element(group, "label", { class: "hyperedu-option" });
    const input = element(label, "input", { type: "radio", name, value: place, ...KEYS });
    element(label, "span", {}, option);
    input.addEventListener("change", () => chosen(place));
    return input;
  });
  return { group, inputs };
}

function quiz(model, el) {
  element(el, "div", { class: "hyperedu-quiz" });
  model.get("asks").forEach(({ question, options, reasons, right }, k) => {
    const number = String(k + 1);
    const { group, inputs } = choices(el, `${number}. ${question}`, options, (place) => {
      model.set("given", { ...model.get("given"), [number]: place });
      model.save_changes();
    });
    const said = element(group, "p", { class: "hyperedu-said", role: "status" });
    const show = () => {
      const place = model.get("given")[number];
      if (place === undefined) return;
      inputs[place].checked = true;
      said.textContent = `${place === right ? "✓" : "✗"} ${reasons[place]}`;
    };
    model.on("change:given", show);
    show();
  });
}

// A curve over a few places, by pointer or keys; when it is locked, what is so is drawn beside it.
function sketch(parent, model, asks, changed) {
  const [width, height, left, bottom, top] = [640, 240, 60, 44, 12];
  const names = model.get("labels");
  const ratio = Math.max(1, window.devicePixelRatio);  // pixels of the screen for one of the page
  const canvas = element(parent, "canvas", {
    class: "hyperedu-sketch", width: width * ratio, height: height * ratio, style: `width: ${width}px`, tabindex: "0", role: "slider", "aria-label": `${asks.y}: ${names.hand}`,
    ...KEYS,
  });
  const n = asks.places.length;
  const values = Array(n).fill((asks.low + asks.high) / 2);
  let at = 0;
  let locked = false;
  const across = (i) => left + ((width - left - 20) * i) / Math.max(1, n - 1);
  const up = (y) => height - bottom - ((height - bottom - top) * (y - asks.low)) / (asks.high - asks.low);
  const line = (context, numbers, colour, dash) => {
    context.setLineDash(dash);
    context.strokeStyle = colour;
    context.lineWidth = 3;
    context.beginPath();
    numbers.forEach((y, i) => (i ? context.lineTo(across(i), up(y)) : context.moveTo(across(i), up(y))));
    context.stroke();
    context.setLineDash([]);
  };
  function draw() {
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.textAlign = "left";
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.fillStyle = context.strokeStyle = "#444";
    context.lineWidth = 1;
    context.font = "13px sans-serif";
    context.strokeRect(left, top, width - left - 20, height - bottom - top);
    for (const y of [asks.low, (asks.low + asks.high) / 2, asks.high]) context.fillText(y.toPrecision(3), 8, up(y) + 4);
    context.textAlign = "center";
    asks.places.forEach((name, i) => context.fillText(name, across(i), height - bottom + 18));
    context.textAlign = "left";
    context.fillText(`${asks.x} →   ↑ ${asks.y}`, left, height - 6);
    line(context, values, "#0072b2", [8, 5]);
    const so = model.get("so");
    if (locked) {
      line(context, so, "#d55e00", []);
      const [yours, truth] = [`- - ${names.yours}`, `— ${names.so}`];
      context.textAlign = "right";
      context.fillStyle = "#d55e00";
      context.fillText(truth, width - 20, height - 6);
      context.fillStyle = "#0072b2";
      context.fillText(yours, width - 40 - context.measureText(truth).width, height - 6);
    } else {
      context.fillStyle = "#0072b2";
      context.beginPath();
      context.arc(across(at), up(values[at]), 6, 0, 7);
      context.fill();
    }
    canvas.setAttribute("aria-valuemin", asks.low);
    canvas.setAttribute("aria-valuemax", asks.high);
    canvas.setAttribute("aria-valuenow", values[at].toFixed(2));
    canvas.setAttribute("aria-valuetext", `${asks.places[at]}: ${values[at].toPrecision(3)}`);
  }
  function put(event) {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * width) / box.width;
    const y = ((event.clientY - box.top) * height) / box.height;
    at = Math.min(n - 1, Math.max(0, Math.round(((x - left) * (n - 1)) / (width - left - 20))));
    const value = asks.low + ((height - bottom - y) * (asks.high - asks.low)) / (height - bottom - top);
    values[at] = Math.min(asks.high, Math.max(asks.low, value));
    changed();
    draw();
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (locked) return;
    canvas.setPointerCapture(event.pointerId);
    put(event);
  });
  canvas.addEventListener("pointermove", (event) => !locked && canvas.hasPointerCapture(event.pointerId) && put(event));
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!moves || locked) return;
    event.preventDefault();
    at = Math.min(n - 1, Math.max(0, at + moves[0]));
    if (moves[1]) {
      const value = values[at] + (moves[1] * (asks.high - asks.low)) / 40;
      values[at] = Math.min(asks.high, Math.max(asks.low, value));
      changed();
    }
    draw();
  });
  draw();
  return {
    value: () => values,
    lock(given) {
      locked = true;
      if (Array.isArray(given)) given.forEach((y, i) => (values[i] = y));
      draw();
    },
  };
}

function prediction(model, el) {
  const [asks, labels] = [model.get("asks"), model.get("labels")];
  let field;
  let ready = false;
  const changed = () => {
    ready = true;
    lock.disabled = false;
  };
  let group;
  if (asks.kind === "choice") {
    let place = null;
    const made = choices(el, asks.question, asks.options, (chosen) => {
      place = chosen;
      changed();
    });
    group = made.group;
    field = {
      value: () => asks.values[place],
      lock(given) {
        made.inputs.forEach((input, i) => {
          input.disabled = true;
          input.checked = asks.values[i] === given;
        });
      },
    };
  } else {
    group = element(el, "fieldset", { class: "hyperedu-question" });
    element(group, "legend", {}, asks.question);
    if (asks.kind === "number") {
      const label = element(group, "label", { class: "hyperedu-option" });
      const input = element(label, "input", { type: "number", step: "any", "aria-label": asks.question, ...KEYS });
      element(label, "span", {}, asks.unit);
      input.addEventListener("input", () => {
        ready = input.value !== "" && Number.isFinite(input.valueAsNumber);
        lock.disabled = !ready;
      });
      field = {
        value: () => input.valueAsNumber,
        lock(given) {
          input.disabled = true;
          if (typeof given === "number") input.value = given;
        },
      };
    } else field = sketch(group, model, asks, changed);
  }
  const buttons = element(group, "div", { class: "hyperedu-buttons" });
  const lock = element(buttons, "button", { class: "jupyter-button", ...KEYS }, labels.lock);
  const skip = element(buttons, "button", { class: "jupyter-button", ...KEYS }, labels.skip);
  lock.disabled = true;
  const give = (value) => {
    model.set("given", { value });
    model.save_changes();
  };
  lock.addEventListener("click", () => ready && give(field.value()));
  skip.addEventListener("click", () => give("skipped"));
  const said = element(group, "p", { class: "hyperedu-said", role: "status" });
  const show = () => {
    const { value } = model.get("given");
    said.textContent = model.get("said");
    if (value === undefined) return;
    field.lock(value);
    buttons.remove();
  };
  for (const name of ["given", "said", "so"]) model.on(`change:${name}`, show);
  show();
}

function render({ model, el }) {
  el.classList.add("hyperedu-asks");
  hideKept(el, model.get("labels").key);
  if (Array.isArray(model.get("asks"))) quiz(model, el);
  else prediction(model, el);
}

export default { render };
