/** The project's folder; put in when a test is bundled. */
declare const PROJECT_ROOT: string;
