/** Answers that arrive after a newer question was asked are dropped. */
export class Latest {
  private asked = 0;

  /** The answer, or undefined when a newer call of `ask` was made meanwhile. Failures of stale calls are dropped too. */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    this.asked += 1;
    const mine = this.asked;
    try {
      const answer = await question();
      return mine === this.asked ? answer : undefined;
    } catch (error) {
      if (mine === this.asked) {
        throw error;
      }
      return undefined;
    }
  }

  /** Make every pending answer stale. */
  cancel(): void {
    this.asked += 1;
  }
}
