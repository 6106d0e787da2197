/** Why a task cannot do what it says, as a sentence for the person who runs it. */
export class TaskProblem extends Error {}
