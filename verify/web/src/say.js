// The sentences of the checks. A sentence is written where it is needed, in English, as a template with values; a file of
// verify/web/locales has the template in another language. Only the page translates: the checks do not know languages.

/** A template with `{0}`, `{1}` ... and what is put there: text of files, numbers, or sentences again. */
class Said {
  constructor(template, values) {
    this.template = template;
    this.values = values;
  }

  toString() {
    return fill(this.template, this.values);
  }
}

/** Values are not searched for marks, so that a name with `{0}` in it stays what it is. */
function fill(template, values) {
  return template.replace(/\{(\d+)\}/g, (mark, number) => (number in values ? String(values[number]) : mark));
}

/** A tag for template literals. */
function say(parts, ...values) {
  return new Said(parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`), values);
}

/** A sentence of the settings: its template, then its values. */
function saidIn([template, ...values]) {
  return new Said(template, values);
}
