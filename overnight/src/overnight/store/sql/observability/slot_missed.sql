-- Tells of slots that nobody fires, each once: the text names the slot, so the same text is no news.
select raise_alert('missed_slot', a.subject, a.text, news_only => true) as alert
from unnest(%(subject)s::text[], %(text)s::text[]) as a (subject, text)
