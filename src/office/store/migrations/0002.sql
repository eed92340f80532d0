-- Schema 2: the punches whose time is not known are found without walking the feed.
CREATE INDEX feed_suspect ON feed (site, terminal, boot) WHERE quality = 'suspect';
