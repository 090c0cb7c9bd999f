// Undo, any number of steps, and looking back at what was decided.
(() => {
  const Q = (window.selvedgeQueue ??= {});

  class Looking extends Q.Deciding {
    // Takes back what stands in this row: the server is told only where it may know of it.
    takeBack(row) {
      this.touch(row.capture);
      if (this.outbox.withdraw(row.token)) return null;
      if (row.kind === "skip") return row.token; // perhaps on its way
      const entry = { kind: "undo", token: Q.token(), of: row.token, label_id: row.id, capture: row.capture, label: row.label };
      this.outbox.put(entry);
      return entry.token;
    }

    async undo() {
      const row = this.look ?? this.trail.last;
      if (!row) return this.say(this.words.nothingToUndo);
      const turn = (this.turn += 1);
      const token = this.takeBack(row);
      this.trail.remove(row);
      this.count.left += 1;
      if (row.kind === "label") this.count.done = Math.max(0, this.count.done - 1);
      else this.count.set_aside = Math.max(0, this.count.set_aside - 1);
      this.say(Q.fill(this.words.undone, { answer: this.wordOf(row) }));
      if (!row.item) return this.ask(await this.fetched(row.capture, token), turn);
      this.ask(row.item, turn);
      if (row.kind !== "skip") return undefined;
      if (token) await this.struck(token);
      return this.regain(row.item); // to hold it again
    }

    // Puts an image before the person; what was asked comes right after it. Who went on to another one meanwhile is
    // not disturbed: it comes next.
    ask(item, turn) {
      if (!item) return this.update();
      if (turn !== this.turn && (this.current || this.look)) {
        if (item.capture !== this.current?.capture) this.ahead = [item, ...this.ahead.filter((one) => one.capture !== item.capture)];
        return this.around();
      }
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
      if (row.label === label) return this.forward();
      if (row.kind === "skip") this.answer(row);
      else this.takeBack(row);
      Object.assign(row, { kind: "label", label, token: Q.token(), id: undefined, now: undefined });
      this.put(row, { note: this.panel.takeNote() });
      this.trail.save();
      this.say(Q.fill(this.words.decided, { answer: this.wordOf(row), left: this.count.left }));
      this.forward();
    }

    // What was skipped is answered after all. The skip need not be sent any more; where it was, and a colleague took the
    // image or answered it, the server says so and a card tells.
    answer(row) {
      this.outbox.withdraw(row.token);
      row.expected = row.item.expected;
      this.count.set_aside = Math.max(0, this.count.set_aside - 1);
      this.count.done += 1;
    }

    // --- looking back ----------------------------------------------------------------------------------------------

    async back() {
      const { rows } = this.trail;
      const place = this.look ? rows.indexOf(this.look) - 1 : rows.length - 1;
      if (place < 0) return this.say(this.words.oldest);
      await this.lookAt(rows[place]);
    }

    async forward() {
      if (!this.look) return this.isBlocked(this.current) ? this.advance() : this.say(this.words.newest);
      const row = this.trail.rows[this.trail.rows.indexOf(this.look) + 1];
      return row ? this.lookAt(row) : this.live();
    }

    async lookAt(row) {
      const turn = (this.turn += 1);
      row.item ??= await this.feed.one(row.capture);
      if (turn !== this.turn) return undefined;
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
      this.alike.follow(now);
      this.update();
    }

    live() {
      this.look = null;
      this.show();
    }
  }

  Q.Looking = Looking;
})();
