// The surface of a live figure: a canvas that shows the newest frame, and two lines of text.
// A frame is decoded before it is drawn, so the picture is never blank; an older frame never replaces a newer one.

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

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.className = "hyperedu-canvas";
  canvas.setAttribute("role", "img");
  const sentence = document.createElement("p");
  sentence.className = "hyperedu-sentence";
  sentence.setAttribute("role", "status");
  const problem = document.createElement("p");
  problem.className = "hyperedu-problem";
  problem.setAttribute("role", "alert");
  el.append(canvas, sentence, problem);

  let asked = 0;
  let shown = 0;
  async function draw() {
    const mine = ++asked;
    const picture = await decoded(model.get("frame"));
    if (mine < shown) return picture.close();
    shown = mine;
    const width = picture.displayWidth ?? picture.width;
    const height = picture.displayHeight ?? picture.height;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width; // setting a size clears the canvas: only when it changes
      canvas.height = height;
    }
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
  }
  function write() {
    canvas.setAttribute("aria-label", model.get("alt"));
    sentence.textContent = model.get("sentence");
    problem.textContent = model.get("problem");
  }
  model.on("change:frame", draw);
  for (const name of ["alt", "sentence", "problem"]) model.on(`change:${name}`, write);
  draw();
  write();

  // The handles of ipywidgets' sliders have no accessible name, and JupyterLab takes the arrow keys for itself
  // unless told not to. They are made after this surface, hence the observer.
  let observer;
  function mendHandles() {
    const figure = el.closest(".hyperedu-live");
    if (!figure) return requestAnimationFrame(mendHandles);
    const mend = () => {
      for (const handle of figure.querySelectorAll(".noUi-handle:not([aria-label])")) {
        const label = handle.closest(".jupyter-widgets, .widget-slider")?.querySelector("label");
        if (!label?.textContent) continue;
        handle.setAttribute("aria-label", label.textContent);
        handle.setAttribute("data-lm-suppress-shortcuts", "true");
      }
    };
    observer = new MutationObserver(mend);
    observer.observe(figure, { childList: true, subtree: true });
    mend();
  }
  mendHandles();
  return () => observer?.disconnect();
}

export default { render };
