// What this browser keeps for us. Its storage may be full, or closed to us: then this page remembers for as long as it
// is open, and nothing stops working.
window.selvedgeKeep = (() => {
  const memory = new Map();
  const named = (name, where) => `${where} ${name}`;

  function read(name, where = "localStorage") {
    if (memory.has(named(name, where))) return memory.get(named(name, where));
    try {
      return window[where].getItem(name);
    } catch {
      return null;
    }
  }

  // False where only this page remembers it.
  function write(name, text, where = "localStorage") {
    try {
      window[where].setItem(name, text);
      memory.delete(named(name, where));
      return true;
    } catch {
      memory.set(named(name, where), text);
      return false;
    }
  }

  function drop(name, where = "localStorage") {
    memory.delete(named(name, where));
    try {
      window[where].removeItem(name);
    } catch {
      memory.set(named(name, where), null);
    }
  }

  // A list is what it says, or empty: whoever else writes there breaks nothing.
  function list(name, where) {
    try {
      const found = JSON.parse(read(name, where));
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }

  function keepList(name, rows, where) {
    if (rows.length) return write(name, JSON.stringify(rows), where);
    drop(name, where);
    return true;
  }

  return { read, write, drop, list, keepList };
})();
