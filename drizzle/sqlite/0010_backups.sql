-- Admins look after backups.
INSERT INTO `grants` (`id`, `role_id`, `permission`, `scope`) VALUES
	('01941f29-7c00-7000-8000-000000000190', '01941f29-7c00-7000-8000-000000000001', 'backups.manage', 'all');
