// The surface of a live figure: a canvas that shows the newest frame, panels to be taken by hand, and lines of text.
// A frame is decoded before it is drawn, so the picture is never blank; an older frame never replaces a newer one.
// It is a picture that was sent whole, and over it the tiles in which the newest one differs from that.

const [TILE, ACROSS] = [32, 16]; // as in surface.py

// A VideoFrame or an ImageBitmap. ImageDecoder takes the bytes as they are and is some milliseconds faster than the way
// through a Blob, but not every browser has it, and none on a page that came over plain HTTP from another machine.
async function decoded(frame) {
  const type = "image/jpeg";
  if (!("ImageDecoder" in window)) return createImageBitmap(new Blob([frame], { type }));
  const decoder = new ImageDecoder({ data: frame, type });
  const { image } = await decoder.decode();
  decoder.close();
  return image;
}

const BUTTONS = ["play or pause", "stop", "repeat"]; // of ipywidgets' player, in its order

function element(parent, tag, className, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function resize(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) return; // setting a size clears the canvas
  canvas.width = width;
  canvas.height = height;
}

function put(frame, canvas) {
  resize(canvas, frame.displayWidth ?? frame.width, frame.displayHeight ?? frame.height);
  canvas.getContext("2d").drawImage(frame, 0, 0);
}

function render({ model, el }) {
  const picture = element(el, "div", "hyperedu-picture");
  const canvas = element(picture, "canvas", "hyperedu-canvas", { role: "img" });
  const busy = element(picture, "div", "hyperedu-busy", { "aria-hidden": "true" });
  busy.textContent = model.get("computing");
  const sentence = element(el, "p", "hyperedu-sentence", { role: "status" });
  const problem = element(el, "p", "hyperedu-problem", { role: "alert" });
  // The picture that a saved notebook keeps is not shown beside the live one.
  const kept = `[data-hyperedu-kept="${model.get("key")}"]`;
  element(el, "style", "").textContent = `${kept}, .jp-OutputArea-child:has(${kept}) { display: none }`;

  const [ground, sheet] = [document.createElement("canvas"), document.createElement("canvas")]; // what was sent last of each
  let [asked, shown, standing, newest] = [0, 0, null, []];
  async function draw() {
    const now = ["ground", "frame", "tiles"].map((name) => model.get(name));
    if (now.every((part, i) => part === newest[i])) return; // something else has changed
    newest = now;
    const [sent, frame, tiles] = now;
    const mine = ++asked;
    const frames = [sent === standing ? null : decoded(sent), tiles.length ? decoded(frame) : null];
    const [whole, changed] = await Promise.all(frames);
    if (mine >= shown) {
      shown = mine;
      if (whole) {
        standing = sent;
        put(whole, ground);
      }
      if (changed) put(changed, sheet);
      resize(canvas, ground.width, ground.height);
      picture.style.aspectRatio = `${ground.width} / ${ground.height}`;
      const context = canvas.getContext("2d");
      context.drawImage(ground, 0, 0);
      const across = Math.ceil(canvas.width / TILE);
      tiles.forEach((number, i) => {
        const [left, top] = [TILE * (number % across), TILE * Math.floor(number / across)];
        context.drawImage(sheet, TILE * (i % ACROSS), TILE * Math.floor(i / ACROSS), TILE, TILE, left, top, TILE, TILE);
      });
    }
    whole?.close();
    changed?.close();
  }
  function write() {
    canvas.setAttribute("aria-label", model.get("alt"));
    sentence.textContent = model.get("sentence");
    problem.textContent = model.get("problem");
    picture.style.width = `${model.get("width")}px`;
    picture.classList.toggle("hyperedu-computes", model.get("busy"));
  }
  model.on("change", draw); // once for all that came in one message
  for (const name of ["alt", "sentence", "problem", "width", "busy"]) model.on(`change:${name}`, write);
  draw();
  write();

  // Panels that can be taken by hand. The widget manager keeps only the newest of the positions that wait to be sent.
  function takeable(panel, number) {
    const send = (event, begins) => {
      const box = picture.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      model.set("hand", [number, ...at, begins ? 1 : 0]);
      model.save_changes();
    };
    panel.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      panel.setPointerCapture(event.pointerId);
      send(event, true);
    });
    panel.addEventListener("mousedown", (event) => event.preventDefault()); // no text is selected on the way
    panel.addEventListener("pointermove", (event) => {
      if (panel.hasPointerCapture(event.pointerId)) send(event, false);
    });
  }
  let panels = [];
  function placePanels() {
    const grips = model.get("grips");
    while (panels.length > grips.length) panels.pop().remove();
    while (panels.length < grips.length) {
      const panel = element(picture, "div", "hyperedu-grip", { "aria-hidden": "true" });
      takeable(panel, panels.length);
      panels.push(panel);
    }
    grips.forEach((box, i) => {
      const [left, top, width, height] = box.map((share) => `${100 * share}%`);
      Object.assign(panels[i].style, { left, top, width, height });
    });
  }
  model.on("change:grips", placePanels);
  placePanels();

  // As many pixels as the screen has, also after a zoom or on another screen.
  let screen;
  function sharpen() {
    const ratio = Math.min(3, Math.max(1, window.devicePixelRatio));
    if (model.get("ratio") !== ratio) {
      model.set("ratio", ratio);
      model.save_changes();
    }
    screen?.removeEventListener("change", sharpen);
    screen = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    screen.addEventListener("change", sharpen);
  }
  sharpen();

  // The handles of ipywidgets' sliders and the buttons of its player have no accessible name, and JupyterLab takes the arrow
  // keys for itself unless told not to. They are made after this surface, hence the observer.
  let observer;
  function mendControls() {
    const figure = el.closest(".hyperedu-live");
    if (!figure) return requestAnimationFrame(mendControls);
    const mend = () => {
      for (const handle of figure.querySelectorAll(".noUi-handle:not([aria-label])")) {
        const label = handle.closest(".jupyter-widgets, .widget-slider")?.querySelector("label");
        if (!label?.textContent) continue;
        handle.setAttribute("aria-label", label.textContent);
        handle.setAttribute("data-lm-suppress-shortcuts", "true");
      }
      for (const player of figure.querySelectorAll(".widget-play"))
        player.querySelectorAll("button").forEach((button, i) => button.setAttribute("aria-label", BUTTONS[i]));
    };
    observer = new MutationObserver(mend);
    observer.observe(figure, { childList: true, subtree: true });
    mend();
  }
  mendControls();
  return () => {
    observer?.disconnect();
    screen?.removeEventListener("change", sharpen);
  };
}

export default { render };
