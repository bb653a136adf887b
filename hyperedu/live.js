// The surface of a live figure: a canvas that shows the newest frame, and two lines of text.
// A frame is decoded before it is drawn, so the picture is never blank; an older frame never replaces a newer one.
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
    const bitmap = await createImageBitmap(new Blob([model.get("frame")], { type: "image/jpeg" }));
    if (mine < shown) return;
    shown = mine;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width; // setting a size clears the canvas: only when it changes
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
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
