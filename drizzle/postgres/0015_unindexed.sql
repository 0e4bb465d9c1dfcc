-- Triggers of SQLite change; there are none here.
SELECT 1;
