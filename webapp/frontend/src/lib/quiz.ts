import { all, find, need, setBusy, showFragment } from "./dom";
import { postForm, RequestError } from "./http";

interface Answer {
  correct: boolean;
  explanation: string; // HTML that the server cleaned
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
  } catch (error) {
    const text = error instanceof RequestError ? error.message : "This could not be checked. Try again.";
    need<HTMLElement>("[data-quiz-error]", form).textContent = text;
  } finally {
    setBusy(button, false);
  }
}

function show(form: HTMLFormElement, { correct, explanation }: Answer): void {
  need<HTMLElement>("[data-quiz-error]", form).textContent = "";
  const result = need<HTMLElement>("[data-quiz-result]", form);
  result.className = `quiz-result ${correct ? "right" : "wrong"}`;
  need<HTMLElement>("[data-quiz-word]", result).textContent = correct ? "Correct." : "Not quite.";
  showFragment(need("[data-quiz-explanation]", result), explanation);
  if (find(".math", result)) void import("./math").then(({ drawMath }) => drawMath());
}
