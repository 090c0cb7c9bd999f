// A decision is written down, the next image is shown, and only then is anything sent: no key waits for the network.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const MOST_TOUCHED = 300;

  class Deciding extends Q.Showing {
    decide(label) {
      const item = this.seen;
      if (!item || !label) return;
      if (this.isBlocked(item)) return this.hint(this.panel.heldWords(item));
      if (this.isAway) return this.hint(this.words.waitPicture);
      if (this.isGone && label !== "unsure") return this.hint(this.words.noPicture);
      if (!this.isGone && !this.isSeen && label !== "unsure") return this.hint(this.words.waitPicture);
      if (this.look) return this.change(label);
      const took = this.paintedAt === null ? null : Math.round(performance.now() - this.paintedAt);
      const row = { capture: item.capture, kind: "label", label, token: Q.token(), expected: item.expected, item };
      this.put(row, { took_ms: took, note: this.panel.takeNote() });
      this.count.done += 1;
      this.onwards(row);
    }

    skip() {
      const item = this.current;
      if (this.look || !item) return this.forward();
      if (this.isBlocked(item)) return this.advance();
      const row = { capture: item.capture, kind: "skip", token: Q.token(), item };
      this.put(row, {});
      this.count.set_aside += 1;
      this.onwards(row);
    }

    put(row, more) {
      const { item, id, now, ...entry } = row;
      this.touch(row.capture);
      this.outbox.put({ ...entry, ...more });
    }

    onwards(row) {
      this.trail.push(row);
      this.count.left = Math.max(0, this.count.left - 1);
      this.advance();
      this.say(Q.fill(this.words.decided, { answer: this.wordOf(row), left: this.count.left }));
    }

    agree() {
      const label = this.seen?.blind ? null : this.seen?.label_suggested;
      if (label && label in this.config.answers) this.decide(label);
      else this.hint(this.seen?.blind ? this.words.blindAgree : this.words.noAgree);
    }

    touch(capture) {
      this.touched.delete(capture);
      this.touched.set(capture, performance.now());
      if (this.touched.size > MOST_TOUCHED) this.touched.delete(this.touched.keys().next().value);
    }
  }

  Q.Deciding = Deciding;
})();
