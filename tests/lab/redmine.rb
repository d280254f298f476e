# Fills a new Redmine: one public project, an administrator, a responder and a reporter. Their API keys go
# into the file named as the argument, one `name key` a line.
Setting.rest_api_enabled = '1'
# Where passers-by may look, a wrong key is answered like one.
Setting.login_required = '0'

project = Project.new(name: 'Incidents', identifier: 'inc', is_public: true)
project.trackers = Tracker.all
project.enabled_module_names = %w[issue_tracking]
project.save!

admin = User.find_by!(login: 'admin')
admin.must_change_passwd = false
admin.password = admin.password_confirmation = 'admin-pass-1'
admin.save!

people = { 'admin' => admin }
{ 'anna' => 'Manager', 'reporter' => 'Reporter' }.each do |login, role|
  user = User.new(firstname: login, lastname: 'Lab', mail: "#{login}@example.test", language: 'en')
  user.login = login
  user.password = user.password_confirmation = "#{login}-pass-1"
  user.save!
  Member.create!(project: project, principal: user, roles: [Role.find_by!(name: role)])
  people[login] = user
end

File.write(ARGV.first, people.map { |name, user| "#{name} #{user.api_key}\n" }.join)
