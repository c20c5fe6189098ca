// GitHub's event types in plain words, each with a colour of its own in every chart (css/tokens.css).
// https://docs.github.com/en/rest/using-the-rest-api/github-event-types

const TYPES = {
  PushEvent: { words: "Pushes", colour: "--push" },
  PullRequestEvent: { words: "Pull requests", colour: "--pull-request" },
  PullRequestReviewEvent: { words: "Reviews", colour: "--review" },
  PullRequestReviewCommentEvent: { words: "Review comments", colour: "--review-comment" },
  IssuesEvent: { words: "Issues", colour: "--issue" },
  IssueCommentEvent: { words: "Comments", colour: "--comment" },
  CreateEvent: { words: "Branches and tags created", colour: "--create" },
  DeleteEvent: { words: "Branches and tags deleted", colour: "--delete" },
  WatchEvent: { words: "Stars", colour: "--star" },
  ForkEvent: { words: "Forks", colour: "--fork" },
  ReleaseEvent: { words: "Releases", colour: "--release" },
  GollumEvent: { words: "Wiki edits" },
  MemberEvent: { words: "Members added" },
  PublicEvent: { words: "Repositories made public" },
  CommitCommentEvent: { words: "Commit comments" },
  DiscussionEvent: { words: "Discussions" },
};

export const TYPE_NAMES = Object.keys(TYPES);

/** The type in words; one that is not known keeps its name. */
export function typeWords(type) {
  return TYPES[type]?.words ?? type;
}

/** The name of the CSS property that holds the type's colour. */
export function typeColour(type) {
  return TYPES[type]?.colour ?? "--other";
}
