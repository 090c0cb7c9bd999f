// The image: OpenSeadragon with the next images loaded behind the one that is seen. What is looked at (place, zoom,
// rotation) is kept from image to image, relative to the image's own size.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const CLOSE = 3; // how much closer the key brings
  const CRISP_FROM = 4; // screen pixels a pixel of the image; from there on, squares are truer than a blur
  const OSD = window.OpenSeadragon;

  // It would write a style of its own into the page, which the content policy forbids; where one stands, it does not.
  // Ours has no namespace: it is found, and styles nothing.
  function withoutItsStyle() {
    const stand = document.createElementNS(null, "style");
    stand.setAttribute("data-openseadragon-mobile-css", "");
    document.head.append(stand);
  }

  class Viewer extends EventTarget {
    constructor(element, calm) {
      super();
      this.pictures = new Map(); // capture -> { state: loading | ready | gone, image }
      this.seen = null;
      this.view = { zoom: 1, x: 0.5, y: 0.5 };
      this.rotation = 0;
      this.isSmooth = true;
      withoutItsStyle();
      this.osd = new OSD.Viewer({
        element,
        drawer: "canvas",
        showNavigationControl: false,
        keyboardNavEnabled: false,
        preserveViewport: true,
        immediateRender: true,
        blendTime: 0,
        animationTime: calm ? 0 : 0.2,
        visibilityRatio: 0.25,
        minZoomImageRatio: 0.5,
        maxZoomPixelRatio: 64,
        maxImageCacheCount: 40,
        tabIndex: -1,
        gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
        gestureSettingsTouch: { pinchRotate: false, flickEnabled: false },
      });
      this.osd.canvas.removeAttribute("tabindex"); // an image, for those who hear the page: nothing to stop at inside it
      this.osd.addHandler("tiled-image-drawn", (event) => this.drawn(event));
      this.osd.addHandler("update-viewport", () => this.remember());
      this.osd.addHandler("animation", () => this.remember());
      this.osd.addHandler("resize", () => this.resized());
    }

    // --- loading -----------------------------------------------------------------------------------------------

    load(item) {
      const known = this.pictures.get(item.capture);
      if (known || !item.view_url) return known ?? { state: "gone", item };
      const picture = { state: "loading", image: null, item };
      this.pictures.set(item.capture, picture);
      this.osd.addTiledImage({
        tileSource: { type: "image", url: item.view_url },
        opacity: 0,
        preload: true,
        width: 1,
        success: ({ item: image }) => this.loaded(picture, image),
        error: () => this.failed(picture),
      });
      return picture;
    }

    loaded(picture, image) {
      if (this.pictures.get(picture.item.capture) !== picture) return this.osd.world.removeItem(image);
      picture.state = "ready";
      picture.image = image;
      if (this.seen === picture) this.reveal();
    }

    failed(picture) {
      picture.state = "gone";
      if (this.seen === picture) this.tell("gone", picture.item);
    }

    // What failed may have been the network's fault: it is loaded anew when it is asked for again.
    retry(capture) {
      if (this.pictures.get(capture)?.state === "gone") this.pictures.delete(capture);
    }

    retryAll() {
      for (const capture of [...this.pictures.keys()]) this.retry(capture);
      if (this.seen?.state === "gone" && this.seen.item.view_url) this.seen = this.load(this.seen.item);
    }

    // Lets go of all pictures but these.
    keep(captures) {
      for (const [capture, picture] of this.pictures) {
        if (captures.has(capture) || picture === this.seen) continue;
        this.pictures.delete(capture);
        if (picture.image) this.osd.world.removeItem(picture.image);
      }
    }

    tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    // --- showing -----------------------------------------------------------------------------------------------

    show(item) {
      const before = this.seen;
      this.retry(item.capture);
      this.seen = this.load(item);
      if (before?.image && before !== this.seen) before.image.setOpacity(0);
      this.wanted = null;
      if (this.seen.state === "ready") this.reveal();
      if (this.seen.state === "gone") this.tell("gone", item);
    }

    reveal() {
      const { image } = this.seen;
      this.wanted = image;
      image.setOpacity(1);
      this.place(true);
      this.osd.forceRedraw();
      this.tell("revealed", { item: this.seen.item, image });
    }

    // `painted` follows when the browser had its chance to show what was drawn.
    drawn({ tiledImage, tiles }) {
      if (tiledImage !== this.wanted || !tiles.length) return;
      this.wanted = null;
      const { item } = this.seen;
      requestAnimationFrame(() => requestAnimationFrame(() => this.tell("painted", item)));
    }

    // --- the view, in terms of the image: 1 is all of it ----------------------------------------------------------

    fit() {
      const { width, height } = this.seen.image.getBounds(true);
      const turned = this.rotation % 180 !== 0;
      const aspect = this.osd.viewport.getAspectRatio();
      return Math.min(1 / (turned ? height : width), 1 / (aspect * (turned ? width : height)));
    }

    place(immediately) {
      if (!this.seen?.image) return;
      const box = this.seen.image.getBounds(true);
      const { viewport } = this.osd;
      this.placing = true;
      viewport.setRotation(this.rotation, immediately);
      viewport.zoomTo(this.view.zoom * this.fit(), null, immediately);
      viewport.panTo(new OSD.Point(box.x + this.view.x * box.width, box.y + this.view.y * box.height), immediately);
      this.placing = false;
      this.sharpen();
    }

    resized() {
      this.placing = true; // what the glass does to the view by itself is not what the person wants
      requestAnimationFrame(() => {
        this.placing = false;
        this.place(true);
      });
    }

    remember() {
      if (this.placing || !this.seen?.image) return;
      const box = this.seen.image.getBounds(true);
      const { viewport } = this.osd;
      const centre = viewport.getCenter(false);
      const zoom = viewport.getZoom(false) / this.fit();
      this.view = { zoom, x: (centre.x - box.x) / box.width, y: (centre.y - box.y) / box.height };
      this.sharpen();
    }

    // Screen pixels a pixel of the image as the camera took it.
    scale() {
      const { image, item } = this.seen;
      const across = this.osd.viewport.getZoom(true) * this.osd.viewport.getContainerSize().x;
      return (across * image.getBounds(true).width) / item.width;
    }

    sharpen() {
      const smooth = this.view.zoom <= 1.05 || this.scale() < CRISP_FROM;
      if (smooth !== this.isSmooth) {
        this.isSmooth = smooth;
        this.osd.drawer.setImageSmoothingEnabled(smooth);
      }
      this.tell("view");
    }

    get isClose() {
      return this.view.zoom > 1.05;
    }

    // All of it, or close: pixel by pixel for a large image, three times for a small one.
    toggleZoom() {
      const own = 1 / (this.scale() / this.view.zoom);
      this.view = { zoom: this.isClose ? 1 : Math.max(CLOSE, own), x: 0.5, y: 0.5 };
      this.place(false);
    }

    rotate() {
      this.rotation = (this.rotation + 90) % 360;
      this.place(false);
    }

    reset() {
      this.rotation = 0;
      this.view = { zoom: 1, x: 0.5, y: 0.5 };
      this.place(false);
    }
  }

  Q.Viewer = Viewer;
})();
