// Undo, any number of steps, and looking back at what was decided.
(() => {
  const Q = (window.selvedgeQueue ??= {});

  class Looking extends Q.Deciding {
    // Takes back what stands in this row: the server is told only where it knows of it.
    takeBack(row) {
      this.touch(row.capture);
      if (this.outbox.withdraw(row.token) || row.kind === "skip") return null;
      const entry = { kind: "undo", token: Q.token(), of: row.token, label_id: row.id, capture: row.capture, label: row.label };
      this.outbox.put(entry);
      return entry.token;
    }

    async undo() {
      const row = this.look ?? this.trail.last;
      if (!row) return this.say(this.words.nothingToUndo);
      const token = this.takeBack(row);
      this.trail.remove(row);
      this.count.left += 1;
      if (row.kind === "label") this.count.done = Math.max(0, this.count.done - 1);
      else this.count.set_aside = Math.max(0, this.count.set_aside - 1);
      this.say(Q.fill(this.words.undone, { answer: this.wordOf(row) }));
      if (row.kind === "skip") this.feed.one(row.capture, true); // to hold it again
      this.ask(row.item ?? (await this.fetched(row.capture, token)));
    }

    // Puts an image before the person; what was asked comes right after it.
    ask(item) {
      if (!item) return this.update();
      this.ahead = this.inHand.filter((one) => one.capture !== item.capture);
      this.current = item;
      this.look = null;
      this.show();
    }

    // After an undo the server must have heard of it before it is asked how the image stands.
    async fetched(capture, token) {
      if (token) await this.struck(token);
      return this.feed.one(capture, true);
    }

    struck(token) {
      return new Promise((done) => {
        const look = () => (this.outbox.entries.some((one) => one.token === token) ? setTimeout(look, 100) : done());
        look();
      });
    }

    // Another answer while looking back: the old one is taken back, the new one given.
    change(label) {
      const row = this.look;
      if (row.kind === "skip" || row.label === label) return this.forward();
      this.takeBack(row);
      Object.assign(row, { label, token: Q.token(), id: undefined, now: undefined });
      this.put(row, { note: this.note() });
      this.trail.save();
      this.say(Q.fill(this.words.decided, { answer: this.wordOf(row), left: this.count.left }));
      this.forward();
    }

    // --- looking back ----------------------------------------------------------------------------------------------

    async back() {
      const { rows } = this.trail;
      const place = this.look ? rows.indexOf(this.look) - 1 : rows.length - 1;
      if (place < 0) return this.say(this.words.oldest);
      await this.lookAt(rows[place]);
    }

    async forward() {
      if (!this.look) return this.current?.held_by ? this.advance() : this.say(this.words.newest);
      const row = this.trail.rows[this.trail.rows.indexOf(this.look) + 1];
      return row ? this.lookAt(row) : this.live();
    }

    async lookAt(row) {
      row.item ??= await this.feed.one(row.capture);
      if (!row.item) return this.say(this.words.feedFailed);
      this.look = row;
      this.show();
      if (row.kind === "label") this.renewLook(row);
      return undefined;
    }

    // As it stands now: with what was said of it, and with the model's answer where that had been withheld.
    async renewLook(row) {
      if (this.isPending(row.capture)) return;
      const now = await this.feed.one(row.capture);
      if (!now || this.look !== row) return;
      row.now = now;
      this.panel.show(now);
      this.update();
    }

    live() {
      this.look = null;
      this.show();
    }
  }

  Q.Looking = Looking;
})();
