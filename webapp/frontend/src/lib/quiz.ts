import { all, find, need, setBusy, showFragment } from "./dom";
import { postForm, RequestError } from "./http";
import { t } from "./i18n";

interface Answer {
  correct: boolean;
  explanation: string; // HTML that the server cleaned
  tally: string; // "9 of 11 quizzes right"; "" for a visitor
}

/** Quizzes are forms; here they are answered in place. */
export function watchQuizzes(root: ParentNode): void {
  for (const form of all<HTMLFormElement>("form[data-quiz]", root)) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void answer(form);
    });
  }
}

async function answer(form: HTMLFormElement): Promise<void> {
  const button = need<HTMLButtonElement>("button[type=submit]", form);
  setBusy(button, true);
  try {
    show(form, await postForm<Answer>(form.action, new FormData(form)));
    button.textContent = button.dataset["again"] ?? "";
  } catch (error) {
    const text = error instanceof RequestError ? error.message : t("This could not be checked. Try again.");
    need<HTMLElement>("[data-quiz-error]", form).textContent = text;
  } finally {
    setBusy(button, false);
    button.focus(); // it lost the focus while it was busy
  }
}

function show(form: HTMLFormElement, { correct, explanation, tally }: Answer): void {
  need<HTMLElement>("[data-quiz-error]", form).textContent = "";
  const result = need<HTMLElement>("[data-quiz-result]", form);
  result.className = `quiz-result ${correct ? "right" : "wrong"}`;
  need<HTMLElement>("[data-quiz-word]", result).textContent = correct ? t("Correct.") : t("Not quite.");
  showFragment(need("[data-quiz-explanation]", result), explanation);
  if (find(".math", result)) void import("./math").then(({ drawMath }) => drawMath());
  const head = find<HTMLElement>("[data-quiz-tally]");
  if (head === null || tally === "") return;
  head.textContent = tally;
  head.hidden = false;
}
