// The page in the reader's language. Foreign text goes through `shown` and textContent, never into markup.

const DEFAULT_LANGUAGE = "en-US";
let languages = {};
let language = DEFAULT_LANGUAGE;

/** Control, direction-changing and invisible characters spelt out: nobody's name may rearrange this page. */
function shown(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f]/gu,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

/** A sentence of the checks in the reader's language, or text of a file as it may be shown. */
function spoken(value) {
  if (!(value instanceof Said)) return shown(String(value));
  return fill(languages[language].reasons?.[value.template] ?? value.template, value.values.map(spoken));
}

/** A text of the page, with its values. */
function text(name, ...values) {
  return fill(languages[language].texts[name] ?? languages[DEFAULT_LANGUAGE].texts[name], values.map(spoken));
}

/** The first language that the reader wants and this page has; `zh-HK` finds `zh-TW`. */
function chosenLanguage(wanted, known) {
  const main = (tag) => tag.toLowerCase().split("-")[0];
  for (const tag of wanted) {
    const found = known.find((one) => one.toLowerCase() === tag.toLowerCase()) ?? known.find((one) => main(one) === main(tag));
    if (found) return found;
  }
  return DEFAULT_LANGUAGE;
}

/** Speaks a language from now on. */
function speak(tag) {
  language = tag;
  document.documentElement.lang = tag;
  document.title = text("title");
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = text(place.dataset.text);
}

/** The list of languages, and the first choice. `again` is called after each other choice. */
function startLanguages(again) {
  languages = JSON.parse(byId("locales").textContent);
  const known = Object.keys(languages);
  const select = byId("language");
  for (const tag of known) {
    const option = element("option", languages[tag].name);
    option.value = option.lang = tag;
    select.append(option);
  }
  select.value = chosenLanguage(navigator.languages, known);
  select.addEventListener("change", () => {
    speak(select.value);
    again();
  });
  speak(select.value);
}
